//! The project's own commands, run as `cargo xtask COMMAND`.

mod arrows;
mod bench;
mod deny;
mod fresh;
mod licence;
mod literals;
mod process;
mod services;
mod sources;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--quick] [FILTER]        format, lints, fresh, dependencies, then every test, with the services they need;
                                 --quick: only what needs no service; FILTER: only tests whose name contains it
  fresh                          who may depend on whom, and what no source file may contain
  deny                           licences and banned dependencies, as deny.toml says
  services start|stop|restart|reset|status [NAME...]
  services env                   the running services' addresses, for eval
  services NAME COMMAND...       one service's own command, such as `services s3 pause`
  bench [--no-services] [ARGUMENT...]
                                 build the release and measure it; the arguments go to the bench program
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    let outcome = match command {
        "test" => test::run(rest),
        "fresh" => fresh::run(),
        "deny" => deny::run(),
        "services" => services::run(rest),
        "bench" => bench::run(rest),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
