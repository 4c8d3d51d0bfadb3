//! The statements that are put together from conditions: a session that writes down what it is asked.

use access::PermissionCode;
use domain::{ItemId, PersonId};
use store::{
    Reader, Restriction, Session, Statement, StoreError, Value, access_facts,
    buckets::{self, BucketFilter},
    grants::{self, GrantFilter, GrantSearch, Listed, Principals},
    labels::{self, Label, ObjectLabels, PairFilter, VersionLabels},
    people::{self, PersonFilter},
    search::{self, ObjectSearch, Page, Sort},
    sync,
    viewer::Viewer,
};

use crate::harness::{NOW, uuid};

/// Answers nothing and remembers every statement.
#[derive(Default)]
struct Recorder(Vec<Statement>);

impl Recorder {
    fn note(&mut self, statement: &Statement, values: &[Value<'_>]) {
        let place = format!("${}", values.len());
        assert!(
            values.is_empty() || statement.sqlite.contains(&place),
            "{}",
            statement.name
        );
        // SQLite numbers them by first appearance, PostgreSQL by the number itself.
        for text in [&statement.sqlite, &statement.postgres] {
            let mut highest = 0;
            for part in text.split('$').skip(1) {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                let number: usize = digits.parse().expect("a number");
                assert!(
                    number <= highest + 1,
                    "{}: ${number} before ${}",
                    statement.name,
                    highest + 1
                );
                highest = highest.max(number);
            }
            assert_eq!(highest, values.len(), "{}", statement.name);
        }
        self.0.push(Statement {
            name: statement.name,
            sqlite: statement.sqlite.clone(),
            postgres: statement.postgres.clone(),
        });
    }
}

impl Session for Recorder {
    async fn fetch<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        _read: Reader<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.note(statement, values);
        Ok(Vec::new())
    }

    async fn execute(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, StoreError> {
        self.note(statement, values);
        Ok(0)
    }
}

fn bucket_filters() -> Vec<BucketFilter> {
    let (none, text) = (BucketFilter::default(), Some("x".to_owned()));
    vec![
        none.clone(),
        BucketFilter {
            uuids: vec![uuid(1)],
            ..none.clone()
        },
        BucketFilter {
            name: text.clone(),
            ..none.clone()
        },
        BucketFilter {
            key: text.clone(),
            ..none.clone()
        },
        BucketFilter {
            bucket: text.clone(),
            ..none.clone()
        },
        BucketFilter {
            endpoint: text.clone(),
            ..none.clone()
        },
        BucketFilter {
            active: Some(true),
            ..none
        },
        BucketFilter {
            uuids: vec![uuid(1)],
            name: text.clone(),
            key: text.clone(),
            bucket: text.clone(),
            endpoint: text,
            active: Some(true),
        },
    ]
}

fn person_filters() -> Vec<PersonFilter> {
    let (none, text, texts) = (PersonFilter::default(), Some("x".to_owned()), vec!["x".to_owned()]);
    vec![
        none.clone(),
        PersonFilter {
            uuids: vec![uuid(1)],
            ..none.clone()
        },
        PersonFilter {
            identity_ids: texts.clone(),
            ..none.clone()
        },
        PersonFilter {
            idps: texts.clone(),
            ..none.clone()
        },
        PersonFilter {
            username: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            email: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            first_name: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            last_name: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            full_name: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            search: text.clone(),
            ..none.clone()
        },
        PersonFilter {
            active: Some(true),
            ..none
        },
        PersonFilter {
            uuids: vec![uuid(1)],
            identity_ids: texts.clone(),
            idps: texts,
            username: text.clone(),
            email: text.clone(),
            first_name: text.clone(),
            last_name: text.clone(),
            full_name: text.clone(),
            search: text,
            active: Some(true),
        },
    ]
}

fn grant_filters() -> Vec<GrantFilter> {
    let principals = [
        Principals::People(vec![]),
        Principals::People(vec![uuid(1)]),
        Principals::IdentityProviders(vec![]),
        Principals::IdentityProviders(vec!["idir".to_owned()]),
    ];
    let codes = [vec![], vec![PermissionCode::Read]];
    principals
        .iter()
        .flat_map(|principals| {
            codes.iter().map(|codes| GrantFilter {
                principals: principals.clone(),
                codes: codes.clone(),
            })
        })
        .collect()
}

/// Somebody whose rights a list is restricted to.
const VIEWER: Viewer = Viewer {
    person: PersonId(1),
    own: true,
    identity_provider: true,
    now: NOW,
};

async fn labels_of(s: &mut Recorder) {
    let pairs = PairFilter::new(&[("k".to_owned(), "v".to_owned())]);
    for label in [Label::Metadata, Label::Tags] {
        for pairs in [PairFilter::default(), pairs.clone()] {
            labels::known(s, label, &pairs, None).await.unwrap();
            labels::known(s, label, &pairs, Some(&[1])).await.unwrap();
            for restrict in [None, Some(VIEWER)] {
                for some in [vec![], vec![uuid(1)]] {
                    for (buckets, natives, within) in [
                        (vec![], vec![], None),
                        (vec![uuid(1)], vec!["x".to_owned()], None),
                        (vec![], vec![], Some(vec![1])),
                    ] {
                        let of = ObjectLabels {
                            objects: some.clone(),
                            buckets,
                            pairs: pairs.clone(),
                            restrict,
                            within: within.clone(),
                        };
                        labels::of_objects(s, label, &of).await.unwrap();
                        let of = VersionLabels {
                            versions: some.clone(),
                            natives,
                            pairs: pairs.clone(),
                            restrict,
                            within,
                        };
                        labels::of_versions(s, label, &of).await.unwrap();
                    }
                }
            }
        }
    }
}

/// Searches of objects that start from each place, with each filter and each order.
async fn searches(s: &mut Recorder) {
    let (none, text) = (ObjectSearch::default, || Some("x".to_owned()));
    let pairs = || PairFilter::new(&[("k".to_owned(), "v".to_owned()), ("l".to_owned(), String::new())]);
    let keys = || PairFilter::new(&[("k".to_owned(), String::new())]);
    let filters = [
        none(),
        ObjectSearch {
            name: text(),
            path: text(),
            mime_type: text(),
            active: Some(true),
            public: Some(false),
            ..none()
        },
        ObjectSearch {
            latest: Some(true),
            delete_marker: Some(false),
            public: Some(true),
            ..none()
        },
        ObjectSearch {
            latest: Some(true),
            ..none()
        },
        ObjectSearch {
            latest: Some(false),
            delete_marker: Some(true),
            active: Some(false),
            ..none()
        },
        ObjectSearch {
            tags: pairs(),
            metadata: pairs(),
            ..none()
        },
        ObjectSearch { tags: keys(), ..none() },
    ];
    for filter in filters {
        for restrict in [None, Some(VIEWER)] {
            for page in [None, Some(Page { limit: 50, offset: 50 })] {
                for (objects, buckets, within) in [
                    (vec![], vec![], None),
                    (vec![uuid(1)], vec![uuid(1)], None),
                    (vec![], vec![uuid(1)], None),
                    (vec![], vec![], Some(vec![1])),
                ] {
                    let search = ObjectSearch {
                        restrict,
                        page,
                        objects,
                        buckets,
                        within,
                        ..filter.clone()
                    };
                    search::objects(s, &search).await.unwrap();
                    search::in_buckets(s, &search, &[1]).await.unwrap();
                    search::in_buckets(s, &search, &[1, 2]).await.unwrap();
                }
            }
        }
    }
    for sort in [
        Sort::Age,
        Sort::Id,
        Sort::Path,
        Sort::Name,
        Sort::Public,
        Sort::Active,
        Sort::CreatedBy,
        Sort::UpdatedBy,
        Sort::UpdatedAt,
        Sort::Bucket,
    ] {
        for descending in [false, true] {
            for page in [None, Some(Page { limit: 50, offset: 0 })] {
                let search = ObjectSearch {
                    sort,
                    descending,
                    page,
                    restrict: Some(VIEWER),
                    latest: Some(true),
                    delete_marker: Some(false),
                    ..none()
                };
                search::in_buckets(s, &search, &[1]).await.unwrap();
                search::in_buckets(s, &search, &[1, 2]).await.unwrap();
            }
        }
    }
}

/// Every statement that is put together from conditions: with each condition alone, with all, and with none.
pub(crate) async fn composed() -> Vec<Statement> {
    let s = &mut Recorder::default();
    buckets::find(s, uuid(1)).await.unwrap();
    buckets::find_by_id(s, ItemId(1)).await.unwrap();
    buckets::find_mount(s, "b", "e", "k").await.unwrap();
    for key in ["/", "k"] {
        buckets::below(s, "b", "e", key).await.unwrap();
    }
    for filter in bucket_filters() {
        for restriction in [Restriction::None, Restriction::Buckets([ItemId(1)].into())] {
            buckets::search(s, &filter, &restriction).await.unwrap();
        }
    }
    for filter in person_filters() {
        people::search(s, &filter).await.unwrap();
    }
    for active in [None, Some(true)] {
        people::identity_providers(s, active).await.unwrap();
    }
    for filter in grant_filters() {
        grants::list(s, &[1], &filter).await.unwrap();
        for of in [Listed::Buckets, Listed::Objects] {
            for buckets in [vec![], vec![uuid(1)]] {
                for objects in [vec![], vec![uuid(1)]] {
                    for restriction in [Restriction::None, Restriction::Buckets([ItemId(1)].into())] {
                        let search = GrantSearch {
                            of,
                            buckets: buckets.clone(),
                            objects: objects.clone(),
                            filter: filter.clone(),
                            restriction,
                        };
                        grants::search(s, &search).await.unwrap();
                        grants::related(s, &search).await.unwrap();
                    }
                }
            }
        }
    }
    labels_of(s).await;
    for buckets in [vec![], vec![uuid(1)]] {
        for restriction in [
            Restriction::None,
            Restriction::Readable(PersonId(1)),
            Restriction::Buckets([ItemId(1)].into()),
        ] {
            // Nothing is counted by a session that answers nothing.
            assert!(sync::unfinished(s, &buckets, &restriction).await.is_err());
        }
    }
    searches(s).await;
    let mut all = std::mem::take(&mut s.0);
    all.sort_by(|a, b| (a.name, &a.sqlite).cmp(&(b.name, &b.sqlite)));
    all.dedup_by(|a, b| a.sqlite == b.sqlite);
    all
}

/// A session that answers nothing has no item either.
#[tokio::test]
async fn facts_of_nothing_are_none() {
    let s = &mut Recorder::default();
    assert!(access_facts::load(s, uuid(1), None, NOW).await.unwrap().is_none());
    assert!(grants::count(s, ItemId(1)).await.is_err(), "a count has a row");
}
