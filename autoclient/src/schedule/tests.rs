use super::*;

fn shape(pace: Pace) -> Shape {
    Shape { seed: 7, users: 3, channels: 5, pace, size: Size::Phrase, direct: 0.0, receivers: 0 }
}

fn bursts() -> Pace {
    Pace::Bursts(Duration::from_secs(5)..=Duration::from_secs(10))
}

fn steps(shape: Shape, count: usize) -> Vec<Step> {
    Schedule::new(shape, 0).take(count).collect()
}

#[test]
fn the_same_seed_gives_the_same_load_and_another_seed_another() {
    for pace in [bursts(), Pace::Rate(50.0), Pace::Clusters(50.0)] {
        assert_eq!(steps(shape(pace.clone()), 500), steps(shape(pace.clone()), 500));
        assert_ne!(steps(shape(pace.clone()), 500), steps(Shape { seed: 8, ..shape(pace) }, 500));
    }
}

#[test]
fn steps_come_in_order_of_time_and_number() {
    for pace in [bursts(), Pace::Rate(50.0), Pace::Clusters(50.0)] {
        let steps = steps(shape(pace), 1_000);
        assert!(steps.is_sorted_by_key(|step| step.due));
        assert!((0..).zip(&steps).all(|(number, step)| step.number == number));
    }
}

#[test]
fn a_user_says_ten_messages_in_one_channel_then_pauses_for_a_time_in_the_range() {
    for user in 0..3 {
        let own: Vec<_> =
            Schedule::new(shape(bursts()), 0).filter(|step| step.user == user).take(100).collect();
        for burst in own.chunks(10) {
            assert!(burst.iter().all(|step| step.to == burst[0].to && step.due == burst[0].due));
        }
        for pair in own.chunks(10).collect::<Vec<_>>().windows(2) {
            let pause = pair[1][0].due - pair[0][0].due;
            assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&pause), "{pause:?}");
        }
    }
}

#[test]
fn a_rate_is_kept_evenly_and_by_all_users_in_turn() {
    let steps = steps(shape(Pace::Rate(200.0)), 601);
    assert_eq!(steps[600].due, Duration::from_secs(3));
    assert!(steps.windows(2).all(|pair| pair[1].due - pair[0].due <= Duration::from_millis(6)));
    assert!(steps.iter().all(|step| step.user as u64 == step.number % 3));
}

#[test]
fn every_channel_is_used_in_the_end() {
    let mut used = [false; 5];
    steps(shape(bursts()), 1_000).iter().for_each(|step| match step.to {
        To::Channel(channel) => used[channel] = true,
        To::User(_) => panic!("nobody asked for direct messages"),
    });
    assert!(used.iter().all(|used| *used));
}

#[test]
fn a_body_leaves_room_for_its_tag_in_the_size_that_was_asked_for() {
    for bytes in [32, 128, 4_096] {
        for step in steps(Shape { size: Size::Fixed(bytes), ..shape(Pace::Rate(1.0)) }, 50) {
            assert_eq!(step.body.len() + tag_bytes(step.number), bytes);
        }
    }
}

#[test]
fn direct_messages_have_their_share_and_go_to_other_receivers() {
    for pace in [bursts(), Pace::Rate(50.0)] {
        let shape = Shape { users: 10, direct: 0.3, receivers: 4, ..shape(pace) };
        let steps = steps(shape, 10_000);
        let mut direct = 0;
        for step in &steps {
            if let To::User(to) = step.to {
                assert!(to != step.user && to < 4);
                direct += 1;
            }
        }
        assert!((2_700..3_300).contains(&direct), "{direct}");
    }
}

#[test]
fn who_is_alone_writes_to_channels() {
    for pace in [bursts(), Pace::Rate(50.0), Pace::Clusters(50.0)] {
        let alone = Shape { users: 1, direct: 1.0, receivers: 1, ..shape(pace) };
        assert!(steps(alone, 100).iter().all(|step| matches!(step.to, To::Channel(_))));
    }
}
