//! The objects API: routes, requests, answers, the contract's spelling.
