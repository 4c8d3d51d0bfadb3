//! Effects, leases and the audit record.

use domain::Timestamp;
use store::{
    audit::{self, Entry},
    outbox::{self, Effect},
};

use crate::{
    awkward,
    harness::{NOW, both, op, statement},
};

const fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

fn seen(effects: &[Effect]) -> Vec<(&str, i64)> {
    effects
        .iter()
        .map(|effect| (effect.kind.as_str(), effect.attempts))
        .collect()
}

both! {
    async fn effects_are_claimed_done_and_put_off(db: &Db) {
        let op = op!(Write |s| -> () {
            for (kind, payload, now) in [("a", "{}", at(0)), ("b", "[\"ключ\"]", at(1)), ("c", "", at(100))] {
                outbox::insert(s, kind, payload, now).await?;
            }
            assert_eq!(outbox::waiting(s).await?, (3, 0));
            assert_eq!(seen(&outbox::claim(s, "n1", at(60), at(0), 10).await?), [("a", 1)]);
            let claimed = outbox::claim(s, "n2", at(60), at(1), 10).await?;
            assert_eq!(seen(&claimed), [("b", 1)], "what another node works on is left alone");
            assert_eq!(claimed[0].payload, "[\"ключ\"]");
            assert_eq!(outbox::claim(s, "n2", at(60), at(60), 10).await?.len(), 0, "until its lease is over");
            let again = outbox::claim(s, "n3", at(120), at(61), 10).await?;
            assert_eq!(seen(&again), [("a", 2), ("b", 2)]);
            assert_eq!(outbox::waiting(s).await?, (3, 2));

            // Whoever lost the lease cannot end or put off what is now another's.
            outbox::done(s, again[0].id, "n1").await?;
            outbox::failed(s, again[1].id, "n2", at(62), "late").await?;
            assert_eq!(outbox::waiting(s).await?.0, 3);
            assert_eq!(outbox::claim(s, "n4", at(120), at(62), 10).await?.len(), 0);

            outbox::done(s, again[0].id, "n3").await?;
            outbox::failed(s, again[1].id, "n3", at(90), "it broke").await?;
            assert_eq!(outbox::claim(s, "n3", at(150), at(89), 10).await?.len(), 0);
            assert_eq!(seen(&outbox::claim(s, "n3", at(150), at(90), 10).await?), [("b", 3)]);
            let why = statement("SELECT last_error FROM outbox WHERE kind = 'b'");
            assert_eq!(s.one(&why, &[], |row| row.get::<Option<String>>(0)).await?.as_deref(), Some("it broke"));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn a_claim_takes_the_oldest_first_and_no_more_than_asked(db: &Db) {
        let op = op!(Write |s| -> () {
            for number in (0..20).rev() {
                outbox::insert(s, &format!("{number:02}"), "", at(number)).await?;
            }
            let mut order = Vec::new();
            for _ in 0..7 {
                let claimed = outbox::claim(s, "n", at(60), at(30), 3).await?;
                let mut kinds: Vec<String> = claimed.into_iter().map(|effect| effect.kind).collect();
                kinds.sort_unstable();
                order.extend(kinds);
            }
            assert_eq!(order, (0..20).map(|number| format!("{number:02}")).collect::<Vec<_>>());
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn a_lease_is_held_by_one(db: &Db) {
        let op = op!(Write |s| -> () {
            assert!(outbox::take_lease(s, "sweep", "n1", at(60), at(0)).await?);
            assert!(!outbox::take_lease(s, "sweep", "n2", at(60), at(0)).await?);
            assert!(outbox::take_lease(s, "other", "n2", at(60), at(0)).await?, "another lease");
            assert!(outbox::take_lease(s, "sweep", "n1", at(90), at(30)).await?, "its holder prolongs it");
            assert!(!outbox::take_lease(s, "sweep", "n2", at(120), at(90)).await?, "its last moment");
            assert!(outbox::take_lease(s, "sweep", "n2", at(120), at(91)).await?);
            assert!(!outbox::take_lease(s, "sweep", "n1", at(120), at(91)).await?);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn audit_entries_are_kept_as_written(db: &Db) {
        let op = op!(Write |s| -> () {
            let texts = awkward::texts();
            for (number, text) in (0_i64..).zip(&texts) {
                // `object` is indexed, and an index entry has a limit on PostgreSQL.
                let short: String = text.chars().take(200).collect();
                let entry = Entry {
                    at: Timestamp(number),
                    actor: text.clone(),
                    via: "objects",
                    action: "object.create",
                    allowed: number % 2 == 0,
                    object: short,
                    before: (number % 3 == 0).then(|| text.clone()),
                    after: (number % 3 != 0).then(|| text.clone()),
                    request_id: text.clone(),
                    organisation: None,
                    collaboration: None,
                };
                audit::insert(s, &entry).await?;
            }
            let all = statement("SELECT at, actor, allowed, object, before, after, request_id, via FROM audit ORDER BY id");
            let rows = s
                .fetch(&all, &[], |row| {
                    let texts: (String, String, String) = (row.get(1)?, row.get(6)?, row.get(7)?);
                    let options: (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
                    Ok((row.get::<i64>(0)?, row.get::<bool>(2)?, row.get::<String>(3)?, texts, options))
                })
                .await?;
            assert_eq!(rows.len(), texts.len());
            for (number, (text, row)) in (0_i64..).zip(texts.iter().zip(rows)) {
                let (at, allowed, object, (actor, request, via), (before, after)) = row;
                assert_eq!((at, allowed), (number, number % 2 == 0));
                assert_eq!((&actor, &request, via.as_str()), (text, text, "objects"));
                assert!(text.starts_with(&object));
                let kept = if number % 3 == 0 { (Some(text), None) } else { (None, Some(text)) };
                assert_eq!((before.as_ref(), after.as_ref()), kept);
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}
