//! A day of use on a real terminal, in both faces and two sizes. What the screen shows after each stage is compared with `snapshots/`;
//! `RECADO_ACCEPT=1` writes them, and whoever accepts one looks at it.

mod full;
mod lines;
mod stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_whole_screen_of_80_by_24() {
    full::day(80, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_on_the_whole_screen_of_200_by_50() {
    full::day(200, 50).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_line_by_line_on_80_by_24() {
    lines::day(80, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_line_by_line_on_200_by_50() {
    lines::day(200, 50).await;
}
