//! Who is calling: bearer tokens of trusted issuers, the built-in issuer, local accounts, API tokens.
