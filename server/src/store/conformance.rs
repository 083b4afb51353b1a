//! What every store must do, written once against the traits. A new store gives a [`Fixture`] and has all these tests.

pub(in crate::store) mod access;
pub(in crate::store) mod acts;
pub(in crate::store) mod history;
pub(in crate::store) mod ids;
pub(in crate::store) mod marks;
pub(in crate::store) mod names;
pub(crate) mod random;
pub(in crate::store) mod readers;
pub(in crate::store) mod reads;
pub(in crate::store) mod search;

use recado_proto::{ChannelName, Manner, MessageId, Timestamp, UserName};

use super::{Change, Committed, Destination, NewMessage, Outcome, Receipt, Store};

/// One store's data, which can be opened again and again.
pub(super) trait Fixture {
    /// A new store's.
    fn new() -> Self;

    /// Opens it. What an earlier one left behind must be there, whether it was closed or only dropped, as by a kill.
    fn open(&self) -> Box<dyn Store>;
}

/// All tests of the suite, for a fixture.
macro_rules! conformance_tests {
    ($fixture:ty) => {
        conformance_tests! { $fixture:
            names::a_name_is_a_user_or_a_channel,
            names::a_channel_is_created_once,
            names::who_sends_becomes_a_user,
            names::what_is_refused_changes_nothing,
            names::names_outlive_a_kill_and_a_close,
            names::every_login_is_recorded,
            ids::places_have_no_gaps,
            ids::a_repeat_is_stored_once_and_answered_again,
            ids::a_repeat_is_known_after_a_kill_and_after_indexing,
            ids::an_id_belongs_to_one_message,
            ids::without_an_id_each_is_new,
            ids::a_channel_is_created_again_under_its_id,
            marks::marks_are_durable_with_a_commit,
            marks::times_never_go_back,
            marks::the_epoch_stays,
            marks::imported_messages_keep_their_time_and_are_not_published,
            history::ranges_match_a_plain_model,
            history::places_must_be_among_the_messages,
            history::unknown_names_are_refused,
            history::a_page_is_bounded_in_bytes,
            acts::acts_change_what_history_says,
            acts::what_was_deleted_is_nowhere_in_history,
            acts::pages_of_messages_pass_over_acts,
            acts::direct_acts_go_to_the_other_user,
            acts::who_may_act_on_what,
            acts::acts_on_one_message_are_bounded,
            acts::a_repeated_act_is_stored_once,
            acts::what_a_message_says_of_itself_is_kept,
            acts::acts_are_published_and_listed_in_their_places,
            readers::a_reader_sees_what_was_committed,
            readers::readers_miss_and_double_nothing_while_the_index_is_written,
            readers::publications_follow_the_commits,
            readers::heads_are_those_of_any_position,
            reads::read_marks_never_go_back,
            reads::read_marks_outlive_a_kill_and_a_close,
            reads::a_read_mark_is_at_a_place_that_exists,
            reads::a_user_has_so_many_read_marks,
            access::what_happened_is_kept_and_adds_up_to_the_same,
            access::whoever_joins_is_a_user,
            access::a_code_is_good_once_in_a_turn_too,
            access::channels_have_owners,
            access::names_that_look_alike_are_not_both_let_in_in_a_turn_either,
            access::names_of_an_open_system_stay_and_are_compared_with,
            access::what_is_refused_leaves_no_event,
            access::what_is_shared_is_durable_and_says_that_it_changed,
            access::times_of_events_never_go_back,
            search::messages_are_found_by_their_words,
            search::what_is_found_can_be_narrowed_down,
            search::what_cannot_be_searched_is_refused,
            search::an_edited_message_is_found_by_its_new_text_and_a_deleted_one_is_not,
            search::acts_on_indexed_messages_are_seen_before_and_after_they_are_indexed,
            search::nobody_finds_what_others_wrote_to_each_other,
            search::searches_match_a_plain_model,
            search::a_long_beginning_is_found_behind_very_many_that_begin_nearly_so,
            search::what_is_too_far_behind_is_left_out_and_counted,
            search::without_time_a_search_answers_with_what_it_has,
        }
    };
    ($fixture:ty: $($module:ident::$test:ident,)+) => {
        $(
            #[test]
            fn $test() {
                $crate::store::conformance::$module::$test::<$fixture>();
            }
        )+
    };
}
pub(super) use conformance_tests;

fn user(name: &str) -> UserName {
    UserName::parse(name).unwrap()
}

fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name).unwrap()
}

fn login(name: &str) -> Change {
    Change::Login { user: user(name), timestamp: Some(Timestamp::from_seconds(7)) }
}

fn create(name: &str) -> Change {
    create_under(name, None)
}

fn create_under(name: &str, id: Option<MessageId>) -> Change {
    Change::CreateChannel { channel: channel(name), timestamp: None, id, owner: None }
}

fn publish(from: &str, to: &str, text: &str, id: Option<MessageId>) -> Change {
    Change::Send(message(from, Destination::Channel(channel(to)), text, id))
}

fn direct(from: &str, to: &str, text: &str, id: Option<MessageId>) -> Change {
    Change::Send(message(from, Destination::User(user(to)), text, id))
}

fn message(from: &str, to: Destination, text: &str, id: Option<MessageId>) -> NewMessage {
    NewMessage {
        from: user(from),
        to,
        text: text.to_owned(),
        id,
        timestamp: None,
        clock: 0,
        imported: None,
        manner: Manner::default(),
    }
}

/// An `id` of version 4 kind: it says nothing of its time.
fn random_id(number: u8) -> MessageId {
    MessageId::from_bytes([number, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number])
}

fn commit(store: &mut dyn Store, changes: Vec<Change>) -> Committed {
    store.commit(changes, 1_700_000_000_000).unwrap()
}

fn one(store: &mut dyn Store, change: Change) -> Outcome {
    let mut committed = commit(store, vec![change]);
    assert_eq!(committed.outcomes.len(), 1);
    committed.outcomes.remove(0)
}

fn stored(store: &mut dyn Store, change: Change) -> Receipt {
    match one(store, change) {
        Outcome::Stored(receipt) => receipt,
        other => panic!("not stored: {other:?}"),
    }
}

fn repeated(store: &mut dyn Store, change: Change) -> Receipt {
    match one(store, change) {
        Outcome::Repeated(receipt) => receipt,
        other => panic!("not repeated: {other:?}"),
    }
}

#[track_caller]
fn refused(outcome: Outcome) -> String {
    match outcome {
        Outcome::Refused(refusal) => refusal.code.as_str().to_owned(),
        other => panic!("not refused: {other:?}"),
    }
}
