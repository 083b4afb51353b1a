//! The client's subcommands for programs: their arguments are validated here, and the rest is theirs.

use recado_client::programs::{
    AdminArgs, AdminConfig, HistoryArgs, HistoryConfig, JoinArgs, KeysArgs, KeysConfig, LeaveArgs, ListArgs,
    ListConfig, SearchArgs, SearchConfig, SendArgs, SendConfig, TailArgs, TailConfig, run_admin,
    run_channels, run_history, run_join, run_keys, run_leave, run_search, run_send, run_tail, run_users,
    run_who,
};
use tokio_util::sync::CancellationToken;

use crate::{Failure, of_client};

pub(crate) async fn send(args: SendArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = SendConfig::try_from(args).map_err(usage)?;
    run_send(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn history(args: HistoryArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = HistoryConfig::try_from(args).map_err(usage)?;
    run_history(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn search(args: SearchArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = SearchConfig::try_from(args).map_err(usage)?;
    run_search(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn tail(args: TailArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = TailConfig::try_from(args).map_err(usage)?;
    run_tail(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn users(args: ListArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = ListConfig::try_from(args).map_err(usage)?;
    run_users(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn channels(args: ListArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = ListConfig::try_from(args).map_err(usage)?;
    run_channels(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn who(args: ListArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = ListConfig::try_from(args).map_err(usage)?;
    run_who(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn join(args: JoinArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    run_join(args, shutdown).await.map_err(of_client)
}

pub(crate) async fn leave(args: LeaveArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    run_leave(args, shutdown).await.map_err(of_client)
}

pub(crate) async fn keys(args: KeysArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = KeysConfig::try_from(args).map_err(usage)?;
    run_keys(config, shutdown).await.map_err(of_client)
}

pub(crate) async fn admin(args: AdminArgs, shutdown: CancellationToken) -> Result<(), Failure> {
    let config = AdminConfig::try_from(args).map_err(usage)?;
    run_admin(config, shutdown).await.map_err(of_client)
}

fn usage(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Usage(error.into())
}
