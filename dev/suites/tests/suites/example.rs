//! The example that a newcomer runs first.

use std::{path::Path, process::Command};

use testkit::{Backend, Server, setting};

use crate::on_both;

on_both!(two_people_share_a_file);

async fn two_people_share_a_file(backend: Backend) {
    let Some(server) = Server::start(backend).await else {
        return;
    };
    for (email, name) in [("owner@example.org", "Owner"), ("reader@example.org", "Reader")] {
        let password = format!("the password of {name}\n");
        server.command_line(&["user", "add", email, "--name", name, "--password-stdin"], &password);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/share-a-file.sh");
    let output = Command::new("sh")
        .arg(script)
        .env_clear()
        .env("PATH", setting("PATH").unwrap_or_default())
        .env("BASE_URL", server.origin())
        .env("OWNER", "owner@example.org")
        .env("OWNER_PASSWORD", "the password of Owner")
        .env("READER", "reader@example.org")
        .env("READER_PASSWORD", "the password of Reader")
        .output()
        .expect("a shell");
    let (said, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{error}");
    let steps: Vec<&str> = said.lines().collect();
    assert_eq!(steps.len(), 9, "{said}");
    assert!(steps[6].ends_with("the same, byte for byte."), "{said}");
    assert!(steps[8].ends_with("403."), "{said}");
}
