//! JSON files that several programs and agents change at the same time: tasks, state, metrics.
//!
//! Whoever changes one takes its lock, reads it under the lock, changes only what it means to change, and puts the result
//! in place in one step, if the file is still what was read. Or thinks without a lock and gives the version that it saw:
//! the change is made only if the file still has it. Nothing is ever half-written, and every byte outside the changed
//! member stays.
