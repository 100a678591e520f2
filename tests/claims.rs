//! Many workers share out stories: each is claimed once.
