//! Test kit: a server in the process, actors as types, a frozen clock.
