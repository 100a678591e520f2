//! The store as a folder of JSON files, one for each agent.
