//! From claims to the user's fields: the table of the objects contract, 1.6.

use identity::{KeySource, SignedIn, TokenError, TrustedIssuer};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::forge::{ISSUER, NOW, P256, bearer, claims, fixed_issuer, verify};

fn signed_in(changed: &Value) -> Result<Arc<SignedIn>, TokenError> {
    let token = P256.token("ES256", &json!({}), &claims(changed));
    verify(&bearer(fixed_issuer(&P256)), &token)
}

#[test]
fn the_usual_token() {
    let who = signed_in(&json!({"email_verified": true})).expect("good");
    assert_eq!(who.issuer, ISSUER);
    assert_eq!(who.subject, "ABC123");
    assert_eq!(who.idp.as_deref(), Some("idir"));
    assert_eq!(who.username, "patt");
    assert_eq!(
        who.email.as_ref().map(domain::EmailAddress::as_str),
        Some("pat.tester@example.com")
    );
    assert!(who.email_verified);
    assert_eq!(who.full_name.as_deref(), Some("Pat Tester"));
    assert_eq!(who.first_name.as_deref(), Some("Pat"));
    assert_eq!(who.last_name.as_deref(), Some("Tester"));
    assert_eq!(who.expires_at.seconds(), NOW + 3600);
    assert!(who.person.set((domain::PersonId(7), uuid::Uuid::nil())).is_ok());
}

#[test]
fn the_identity_is_the_first_filled_claim() {
    for (changed, expected) in [
        (json!({}), "ABC123"),
        (json!({"bceid_user_guid": "B", "github_id": "G"}), "ABC123"),
        (json!({"idir_user_guid": "", "github_id": "G"}), "G"),
        (
            json!({"idir_user_guid": null, "bceid_user_guid": "B", "github_id": "G"}),
            "B",
        ),
        (json!({"idir_user_guid": "DROP"}), "abc123@idir"),
        (json!({"sub": "DROP"}), "ABC123"),
    ] {
        assert_eq!(signed_in(&changed).expect("good").subject, expected, "{changed}");
    }
    let none = signed_in(&json!({"idir_user_guid": "DROP", "sub": "DROP"}));
    assert_eq!(none.err(), Some(TokenError::MissingClaim("sub".into())));
    let number = signed_in(&json!({"idir_user_guid": 123}));
    assert_eq!(number.err(), Some(TokenError::WrongType("idir_user_guid".into())));
}

#[test]
fn the_provider_and_its_other_name() {
    for (changed, expected) in [
        (json!({"identity_provider": "azureidir"}), Some("idir")),
        (json!({"identity_provider": "bceidbasic"}), Some("bceidbasic")),
        (json!({"identity_provider": "AzureIdir"}), Some("AzureIdir")),
        (json!({"identity_provider": "DROP"}), None),
        (json!({"identity_provider": ""}), None),
    ] {
        assert_eq!(signed_in(&changed).expect("good").idp.as_deref(), expected, "{changed}");
    }
    let list = signed_in(&json!({"identity_provider": ["idir"]}));
    assert_eq!(list.err(), Some(TokenError::WrongType("identity_provider".into())));
}

#[test]
fn names_are_taken_apart() {
    // given, family, display → first, last
    for (given, family, display, first, last) in [
        (
            json!("Pat"),
            json!("Tester"),
            json!("Tester, Pat"),
            Some("Pat"),
            Some("Tester"),
        ),
        (
            json!("Pat Q Tester"),
            json!(""),
            json!("Pat Q Tester"),
            Some("Pat Q"),
            Some("Tester"),
        ),
        (json!("Pat"), json!(""), json!("Pat"), Some(""), Some("Pat")),
        (json!("Pat"), json!("DROP"), json!("DROP"), Some("Pat"), None),
        (
            json!("DROP"),
            json!("Tester"),
            json!("Pat Tester"),
            None,
            Some("Tester"),
        ),
        (json!("DROP"), json!("DROP"), json!("Pat Tester"), None, None),
        (json!("Ça"), json!(""), json!("Ça Çelik"), Some("Ça"), Some("Çelik")),
    ] {
        let changed = json!({"given_name": given, "family_name": family, "display_name": display});
        let who = signed_in(&changed).expect("good");
        assert_eq!(
            (who.first_name.as_deref(), who.last_name.as_deref()),
            (first, last),
            "{changed}"
        );
        assert_eq!(
            who.full_name.as_deref(),
            display.as_str().filter(|text| *text != "DROP")
        );
    }
}

#[test]
fn a_token_without_names_fails_unless_the_issuer_need_not_give_them() {
    let changed = json!({"given_name": "DROP", "display_name": "DROP"});
    assert_eq!(
        signed_in(&changed).err(),
        Some(TokenError::MissingClaim("display_name".into()))
    );
    let no_display = json!({"family_name": "", "display_name": "DROP"});
    assert_eq!(
        signed_in(&no_display).err(),
        Some(TokenError::MissingClaim("display_name".into()))
    );

    let lenient = bearer(TrustedIssuer {
        names_required: false,
        ..fixed_issuer(&P256)
    });
    let token = P256.token("ES256", &json!({}), &claims(&changed));
    assert_eq!(
        verify(&lenient, &token).expect("good").full_name.as_deref(),
        Some("Pat Tester"),
        "from name"
    );
    let nameless = json!({"given_name": "DROP", "display_name": "DROP", "name": "DROP", "family_name": "DROP"});
    let token = P256.token("ES256", &json!({}), &claims(&nameless));
    assert_eq!(verify(&lenient, &token).expect("good").full_name, None);
}

#[test]
fn the_username_is_mandatory() {
    let preferred = signed_in(&json!({"identity_provider_identity": "DROP"})).expect("good");
    assert_eq!(preferred.username, "abc123@idir");
    for changed in [
        json!({"identity_provider_identity": "DROP", "preferred_username": "DROP"}),
        json!({"identity_provider_identity": "", "preferred_username": ""}),
    ] {
        assert_eq!(
            signed_in(&changed).err(),
            Some(TokenError::MissingClaim("preferred_username".into()))
        );
    }
}

#[test]
fn impossible_values_are_refused() {
    for (changed, expected) in [
        (
            json!({"email": "not an address"}),
            TokenError::InvalidClaim("email".into()),
        ),
        (json!({"email": ""}), TokenError::InvalidClaim("email".into())),
        (json!({"email": 7}), TokenError::WrongType("email".into())),
        (
            json!({"display_name": "a\nb"}),
            TokenError::InvalidClaim("display_name".into()),
        ),
        (
            json!({"idir_user_guid": "a\u{0}b"}),
            TokenError::InvalidClaim("idir_user_guid".into()),
        ),
        (
            json!({"family_name": "x".repeat(256)}),
            TokenError::InvalidClaim("family_name".into()),
        ),
        (
            json!({"given_name": {"a": 1}}),
            TokenError::WrongType("given_name".into()),
        ),
    ] {
        assert_eq!(signed_in(&changed).err(), Some(expected), "{changed}");
    }
    assert!(
        signed_in(&json!({"family_name": "ü".repeat(255)})).is_ok(),
        "255 characters, not bytes"
    );
    assert!(signed_in(&json!({"email": null})).expect("good").email.is_none());
}

#[test]
fn only_true_is_verified() {
    for verified in [
        json!("true"),
        json!(1),
        json!(null),
        json!(false),
        json!("DROP"),
        json!([true]),
    ] {
        assert!(
            !signed_in(&json!({"email_verified": verified}))
                .expect("good")
                .email_verified,
            "{verified}"
        );
    }
}

#[test]
fn reasons_are_the_ones_callers_know() {
    for (error, text) in [
        (TokenError::Expired, "jwt expired"),
        (TokenError::Malformed, "jwt malformed"),
        (TokenError::BadSignature, "invalid signature"),
        (TokenError::UnsupportedAlgorithm, "invalid algorithm"),
        (TokenError::NotYetValid, "jwt not active"),
        (TokenError::MissingClaim("exp".into()), "claim exp is missing"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn another_claim_may_name_the_provider() {
    let keys = KeySource::PublicKeyPem(P256.pem());
    let issuer = TrustedIssuer {
        idp_claim: "idp".into(),
        ..TrustedIssuer::new(ISSUER, keys)
    };
    let token = P256.token("ES256", &json!({}), &claims(&json!({"idp": "azureidir"})));
    let who = verify(&bearer(issuer), &token).expect("good");
    assert_eq!(
        (who.idp.as_deref(), who.subject.as_str()),
        (Some("idir"), "abc123@idir")
    );
}
