//! The races of the protocol, each replayed with the real code.
//!
//! Every call by which a process can notice another, or be noticed, is announced before it is made (`src/sys/point.rs`).
//! Here other processes stand before such a call until the test lets them go on, kills them there, or has the call refused;
//! the test itself plays scripts, Node, vandals and clocks. So each race happens, every time, in one order. These are
//! unit tests, because only they are compiled apart from all that is shipped: no program carries the announcements' other
//! end, and no feature has to be kept off.
//!
//! | race | test |
//! |---|---|
//! | **A free name** | |
//! | a lock that is visible half-made | `sidecar_is_invisible_until_it_is_complete`, `sidecar_under_a_temporary_name_is_nobodys_lock` |
//! | a script, or Node, makes the name between our look and our link | `script_takes_the_name_between_look_and_link`, `node_takes_the_name_between_look_and_link` |
//! | the look sees a file and the open meets a directory, and so on | `look_sees_a_file_and_open_meets_a_directory`, `look_sees_a_directory_and_open_meets_a_file`, `look_sees_a_lock_and_open_meets_nothing`, `look_sees_a_lock_and_open_meets_a_link_or_a_fifo`, `inspection_meets_another_kind_of_lock`, `break_meets_another_kind_of_lock` |
//! | **A dead owner** | |
//! | flock on an inode that was unlinked meanwhile | `kernel_lock_on_a_removed_sidecar_is_no_lock`, `kernel_lock_on_an_adopted_and_removed_sidecar_is_no_lock` |
//! | two adopt one record | `two_adopt_one_dead_owners_record_and_one_wins` |
//! | the adopter dies | `adopter_that_dies_is_adopted` |
//! | another user's sidecar is removed, not written | `another_users_dead_sidecar_is_removed_while_it_is_locked` |
//! | **Releasing** | |
//! | unlinking after unlocking removes the successor's lock | `removing_comes_before_unlocking` |
//! | unlinking by path removes whoever replaced us; a paused owner resumes | `owner_whose_sidecar_was_replaced_removes_nothing` |
//! | the keeper refreshes a lock that is being released | `heartbeat_after_the_release_touches_no_successor` |
//! | a child between fork and exec keeps the lock, or a registration | `child_that_keeps_the_open_sidecar_keeps_no_lock`, `child_that_keeps_the_open_sidecar_does_not_keep_it_from_the_heir`, `child_of_a_former_waiter_keeps_no_registration` |
//! | **Handing over** | |
//! | a waiter registers after the owner's look | `waiter_that_registers_after_the_look_begins_anew` |
//! | the last waiter leaves while the owner hands over, with its process or without | `last_waiter_leaves_while_the_owner_hands_over`, `helper_that_is_granted_too_late_cleans_up` |
//! | the deadline and the grant come together | `grant_that_comes_with_the_deadline_is_passed_on` |
//! | the waiter comes back for its abandoned place, which may be taken or used up | `next_wait_takes_the_abandoned_place_over`, `place_whose_helper_passes_the_lock_on_is_not_taken_over` |
//! | the heir dies being granted | `heir_that_dies_being_granted_is_cleaned_up_a_moment_later`, `heir_that_dies_being_granted_is_replaced_by_the_next` |
//! | the look a moment later hides a crash | `look_afterwards_leaves_a_crash_to_be_reported` |
//! | the heir of a sidecar that is gone | `heir_of_a_deleted_sidecar_owns_nothing` |
//! | the second look removes a successor's lock | `second_look_removes_no_successors_lock` |
//! | an inspection is taken for an heir, or for an owner | `inspection_is_not_taken_for_an_heir`, `single_attempt_does_not_fail_because_somebody_inspects` |
//! | the end of a run wakes the whole queue; its head dies | `removed_sidecars_queue_sleeps_until_its_head_has_published`, `head_of_a_removed_sidecars_queue_dies_and_the_next_follows` |
//! | **Locks of other tools** | |
//! | two judge one stale lock | `two_judge_one_stale_file_and_one_replaces_it`, `two_judge_one_stale_directory_and_one_replaces_it`, `stale_file_that_was_replaced_is_not_replaced_again`, `stale_directory_that_was_replaced_is_not_replaced_again` |
//! | an empty just-created file is taken for a stale or broken one | `empty_file_that_a_script_has_just_made_is_respected` |
//! | clock steps and suspend | `clock_that_steps_between_two_looks_condemns_nobody` (and `verdict_needs_both_clocks` in `stale.rs`) |
//! | the lock is touched between judgement and swap | `file_that_was_touched_between_judgement_and_swap_gets_its_place_back`, `directory_touched_between_judgement_and_pin_is_left_alone`, `directory_touched_between_pin_and_swap_gets_its_place_back` |
//! | it is replaced (rmdir and mkdir) in between | `file_that_was_replaced_between_judgement_and_swap_gets_its_place_back`, `directory_replaced_between_judgement_and_pin_is_left_alone`, `pinned_directory_cannot_be_removed_before_the_swap`, `directory_moved_away_between_look_and_pin_is_unpinned` |
//! | it goes in between | `file_that_goes_between_judgement_and_swap_leaves_the_name_free`, `directory_that_goes_before_the_pin_leaves_the_name_free` |
//! | the breaker dies | `breaker_that_dies_after_its_pin_is_replaced` |
//! | putting a displaced lock back meets a third | `displaced_lock_whose_place_was_taken_is_left_to_the_sweep`, `third_lock_that_a_putting_back_meets_gets_its_place_back` |
//! | no exchange: the name is free for a moment | `lock_moved_away_leaves_its_name_to_whoever_comes_first`, `lock_moved_away_by_mistake_is_put_back` |
//! | **Waiting** | |
//! | the lock goes before the watch, or before the sleep | `lock_that_goes_before_the_watch_is_not_waited_for`, `lock_that_goes_between_look_and_sleep_wakes` |
//! | a probe wakes everybody; events of nameless files (`#inode`) | `probes_and_other_names_wake_nobody` |
//! | a script is faster than the woken | `script_that_is_faster_than_a_woken_waiter_is_respected` |
//! | the folder goes, and may come anew, before the lock is taken | `folder_made_anew_before_the_lock_is_taken_is_the_one_that_is_locked`, `folder_removed_before_the_lock_is_taken_is_called_missing`, `waiter_whose_folder_was_made_anew_goes_on_there` |
//! | **By hand** | |
//! | a break meets the release, and the successor | `break_of_a_live_lock_spares_the_successor`, `break_meets_the_release_of_the_same_lock`, `break_of_a_folder_spares_the_next_one`, `owner_of_a_broken_lock_notices` |
//! | a break meets an adoption | `dead_lock_that_is_being_broken_is_not_adopted`, `dead_lock_that_was_adopted_meanwhile_is_not_broken` |
//! | a parent releases under its child | `child_notices_that_its_parent_has_released`, `child_whose_parent_releases_during_its_look_has_no_lock` |
//! | **Temporary names** | |
//! | a sweep meets one that is in use | `sweep_leaves_what_is_being_made`, `sweep_leaves_the_sidecar_that_is_about_to_be_swapped_in`, `sweep_leaves_a_displaced_lock_to_its_breaker`, `two_sweeps_at_once_do_not_fail` |
//! | a killed publisher leaves one | `temporary_name_of_a_killed_publisher_is_swept`, `second_name_of_a_killed_owners_sidecar_is_swept`, `sidecar_with_a_second_name_is_unlocked_as_soon_as_it_is_removed` |
//! | **Those that nobody thought of** | |
//! | a crash at every call | `crash_at_every_call_is_replaced_at_once`, `crash_of_an_heir_at_every_call_is_replaced`, `crash_of_an_owner_at_every_call_of_its_hand_over_wakes_the_waiter` |
//! | a waiter leaves at every call of a release | `waiter_that_leaves_at_every_call_of_a_release_leaves_nothing` |
//! | a pause at every call, while another comes, stays, waits, dies, inspects, breaks | `pause_at_every_call_never_makes_two_holders` |
//! | two, and three, take turns at every call | `two_processes_interleaved_at_every_three_calls_exclude_each_other`, `third_process_between_two_at_every_three_calls_excludes_them`, `two_processes_interleaved_on_a_poor_file_system_exclude_each_other` |
//! | another tool's step at every call | `other_tools_step_at_every_call_is_respected` |
//! | an error from every call | `error_from_every_call_keeps_nobody_out` |
#![cfg(target_os = "linux")]

mod adopt;
mod breaking;
mod coverage;
mod crashes;
mod foreign;
mod foreign_folders;
mod hand_over;
mod interleavings;
mod other;
mod other_tools;
mod pauses;
mod points;
mod process;
mod publish;
mod refusals;
mod release;
mod removed_folders;
mod stage;
mod sweeping;
mod waiting;
