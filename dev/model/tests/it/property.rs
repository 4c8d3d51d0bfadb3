//! Random worlds with random histories: a million decisions by default.
//!
//! `COMMONHOLD_DECISIONS` sets how many, `COMMONHOLD_SEED` repeats a run.

use std::hash::{BuildHasher, RandomState};

use access::plan::{self, Ceiling, Replaces};
use access::{GrantKind, PermissionSet, Principal};
use domain::{ItemId, PersonId, Timestamp};
use model::{Random, Wanted, Who, World};

use crate::both::{Both, check_explanations, compare};

const STEPS: usize = 8;

#[test]
fn core_and_model_agree() {
    let decisions = setting("COMMONHOLD_DECISIONS").unwrap_or(1_000_000);
    let seed = setting("COMMONHOLD_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed") >> 16);
    eprintln!("COMMONHOLD_SEED={seed} COMMONHOLD_DECISIONS={decisions}");
    let halves: Vec<_> = std::thread::scope(|scope| {
        let run = |half| scope.spawn(move || histories(seed.wrapping_mul(2).wrapping_add(half), decisions / 2));
        [run(0), run(1)]
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    assert!(
        halves.iter().all(Result::is_ok),
        "core and model disagree; repeat with COMMONHOLD_SEED={seed} COMMONHOLD_DECISIONS={decisions}"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a test runs is said by whoever runs it"
)]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn histories(seed: u64, decisions: u64) {
    let mut random = Random::new(seed);
    let (mut compared, mut worlds, mut changed) = (0, 0, 0);
    while compared < decisions {
        let size = 1 + usize::try_from(random.below(16)).unwrap_or(0);
        let mut both = Both {
            world: World::random(random.next(), size),
        };
        compared += compare(&both.world);
        worlds += 1;
        for _ in 0..STEPS {
            let before = both.world.clone();
            step(&mut both, &mut random);
            resend(&mut both, &mut random);
            if before != both.world {
                changed += 1;
                compared += compare(&both.world);
            }
        }
        if let (Some(who), Some(item)) = (anybody(&both.world, &mut random), an_item(&both.world, &mut random)) {
            check_explanations(&both.world, who, item);
        }
    }
    eprintln!("{compared} decisions in {worlds} worlds with {changed} changes");
    assert!(changed > worlds, "most steps must change something");
}

/// One change by somebody, mostly by somebody who may.
fn step(both: &mut Both, random: &mut Random) {
    let Some(item) = an_item(&both.world, random) else {
        return;
    };
    let Some(by) = somebody_fit(&both.world, item, random) else {
        return;
    };
    let Some(other) = an_item(&both.world, random) else {
        return;
    };
    let principals: Vec<_> = both.world.principals().into_iter().collect();
    let Some(principal) = random.pick(&principals) else {
        return;
    };
    let replaces = if random.percent(50) {
        Replaces::Persons
    } else {
        Replaces::Everyone
    };
    match random.below(16) {
        0..=2 => {
            let list = a_list(&both.world, item, replaces, random);
            if both.share(by, item, &list, replaces).is_ok() {
                let shown = both.world.shown(item, false);
                let wanted = list
                    .iter()
                    .filter(|wanted| wanted.window.is_none())
                    .all(|wanted| shown.get(&wanted.principal) == Some(&wanted.set));
                assert!(wanted, "the list is not what was asked for: {list:?} became {shown:?}");
            }
        }
        3 => {
            let list = a_list(&both.world, item, replaces, random);
            let _ = both.share_also(by, item, &list);
        }
        4 => {
            let _ = both.remove(by, item, principal);
        }
        5 => {
            let _ = both.unshare(by, item);
        }
        6 => {
            let _ = anybody(&both.world, random).map(|who| both.leave(who, item));
        }
        7..=8 => {
            let _ = both.relocate(by, item, other);
        }
        9 => {
            let actions = random.actions(GrantKind::Add);
            let window = random.percent(30).then(|| random.window(both.world.now));
            let ceiling = if random.percent(50) {
                Ceiling::Held
            } else {
                Ceiling::Anything
            };
            let _ = both.give(by, item, (principal, &actions, window), ceiling);
        }
        10 => {
            let actions = random.actions(GrantKind::Add);
            let _ = both.take(by, item, principal, &actions);
        }
        11 => {
            let (from, to) = (random.below(5), random.below(5));
            let person = |number: u64| PersonId(1 + i64::try_from(number).unwrap_or(0));
            let _ = both.transfer(person(from), person(to));
        }
        12 => {
            let units: Vec<_> = both.world.units.keys().copied().collect();
            if let Some(unit) = random.pick(&units) {
                both.end_unit(unit);
            }
        }
        13 => {
            let to = random.percent(50).then_some(other);
            let owners: Vec<_> = both.world.owners(item).into_iter().map(Who::Person).collect();
            if let Some(it) = both.world.items.get_mut(&item) {
                it.recycled = true;
            }
            let _ = both.restore(random.pick(&owners).unwrap_or(by), item, to);
        }
        14 => {
            if let Some(it) = both.world.items.get_mut(&item) {
                match random.below(3) {
                    0 => it.recycled = !it.recycled,
                    1 => it.disabled = !it.disabled,
                    _ => it.inherits = !it.inherits,
                }
            }
        }
        _ => both.world.now = Timestamp(both.world.now.0 + 1),
    }
}

/// Sending the list that is shown writes nothing.
fn resend(both: &mut Both, random: &mut Random) {
    let Some(item) = an_item(&both.world, random) else {
        return;
    };
    let chain = both.world.chain(item);
    let replaces = if random.percent(50) {
        Replaces::Persons
    } else {
        Replaces::Everyone
    };
    let listed = plan::listed(&chain, replaces, both.world.now);
    let shown = both.world.shown(item, replaces == Replaces::Persons);
    let sets = listed.iter().map(|one| (one.principal, one.set)).collect();
    assert_eq!(shown, sets, "the list of {item:?}");
    let superuser = both.world.subject(Who::Superuser);
    if let Ok(plan) = plan::share(&superuser, &chain, &listed, replaces, both.world.now) {
        assert!(plan.is_empty() && plan.notify.is_empty(), "{plan:?} for {listed:?}");
    }
}

/// The list that is shown, with some left out, some changed and some added.
fn a_list(world: &World, item: ItemId, replaces: Replaces, random: &mut Random) -> Vec<Wanted> {
    let mut list = Vec::new();
    for (principal, set) in world.shown(item, replaces == Replaces::Persons) {
        if random.percent(75) {
            let set = random
                .pick(&PermissionSet::ALL)
                .filter(|_| random.percent(30))
                .unwrap_or(set);
            list.push(wanted(principal, set, world, random));
        }
    }
    let principals: Vec<Principal> = world.principals().into_iter().collect();
    for _ in 0..random.below(3) {
        if let (Some(principal), Some(set)) = (random.pick(&principals), random.pick(&PermissionSet::ALL)) {
            let is_new = list.iter().all(|one: &Wanted| one.principal != principal);
            if is_new || random.percent(5) {
                list.push(wanted(principal, set, world, random));
            }
        }
    }
    list
}

fn wanted(principal: Principal, set: PermissionSet, world: &World, random: &mut Random) -> Wanted {
    Wanted {
        principal,
        set,
        window: random.percent(10).then(|| random.window(world.now)),
    }
}

fn an_item(world: &World, random: &mut Random) -> Option<ItemId> {
    let items: Vec<_> = world.items.keys().copied().collect();
    random.pick(&items)
}

fn anybody(world: &World, random: &mut Random) -> Option<Who> {
    random.pick(&world.everybody())
}

/// Somebody who may do something with the item, if there is anybody, apart from the superuser.
fn somebody_fit(world: &World, item: ItemId, random: &mut Random) -> Option<Who> {
    let fit: Vec<_> = world
        .everybody()
        .into_iter()
        .filter(|who| *who != Who::Superuser && world.held(*who, item).len() > 4)
        .collect();
    match random.below(10) {
        0 => anybody(world, random),
        1 => Some(Who::Superuser),
        _ => random.pick(&fit).or_else(|| anybody(world, random)),
    }
}
