//! Every limit of this crate, in one place. Those that a user may want to change are defaults of
//! [`SocketOptions`](crate::SocketOptions) or of [`MessageLimits`](crate::codec::MessageLimits).

/// Bytes of a message, the sum of its frames' bodies: a larger one ends the connection before its body is read.
pub const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Frames of a message: one more ends the connection. Bounds what empty frames, which weigh nothing, may cost.
pub const MESSAGE_FRAMES_MAX: usize = 64;

/// Bytes of a command's body after the handshake. The longest legitimate one is a SUBSCRIBE with its topic.
pub const COMMAND_BYTES_MAX: usize = 8 * 1024;

/// Bytes of a command's body during the handshake: READY, or CURVE's INITIATE, with all its metadata.
pub const HANDSHAKE_COMMAND_BYTES_MAX: usize = 4 * 1024;

/// Properties in a READY.
pub const METADATA_PROPERTIES_MAX: usize = 64;

/// Bytes of an identity (RFC 37: at most 255).
pub const IDENTITY_BYTES_MAX: usize = 255;

/// Bytes of a PING's context (RFC 37: at most 16).
pub const PING_CONTEXT_BYTES_MAX: usize = 16;

/// Milliseconds from accepting or connecting until the handshake's end; then the connection is closed.
pub const HANDSHAKE_TIMEOUT_MS: u64 = 10_000;

/// Handshakes under way in one socket.
pub const HANDSHAKES_MAX: usize = 128;

/// One address may hold this part of [`HANDSHAKES_MAX`].
pub const HANDSHAKES_ADDRESS_SHARE: usize = 8;

/// Accepted connections of one address that may wait for a handshake's place; one more is closed at once.
pub const HANDSHAKES_WAITING_PER_ADDRESS_MAX: usize = 1024;

/// Steps of CURVE handshakes that may wait for the process's thread that computes them; with one more the connection is closed. Each takes
/// a tenth of a millisecond or two, so that the last of them waits for less than a fifth of a second.
pub const COMPUTATIONS_WAITING_MAX: usize = 1024;

/// Niceness of that thread, on Linux: strangers' handshakes wait for members' messages.
pub const COMPUTATIONS_NICENESS: i32 = 10;

/// Connections of one socket; one more is closed at once.
pub const CONNECTIONS_MAX: usize = 4096;

/// Connections of one socket from one address, so that no machine can have all; one more is closed at once. For IPv6 a network of 64 bits
/// counts as one address; over `ipc` there is none.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = CONNECTIONS_MAX / 4 * 3;

/// Connections that the kernel completes and holds until they are accepted.
pub const LISTEN_BACKLOG: u32 = 1024;

/// Milliseconds to wait after the system refused to accept (for want of file descriptors, say).
pub const ACCEPT_RETRY_MS: u64 = 100;

/// Topics one peer may have subscribed to; one more ends its connection.
pub const SUBSCRIPTIONS_MAX: usize = 16 * 1024;

/// Bytes of all topics one peer may have subscribed to; more ends its connection.
pub const SUBSCRIPTIONS_BYTES_MAX: usize = 1024 * 1024;

/// Messages waiting to be written to one peer.
pub const SEND_QUEUE_MESSAGES_MAX: usize = 1000;

/// Bytes waiting to be written to one peer.
pub const SEND_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Received messages waiting to be taken, of all peers of a socket.
pub const RECEIVE_QUEUE_MESSAGES_MAX: usize = 1000;

/// Bytes of received messages waiting to be taken, of all peers of a socket.
pub const RECEIVE_QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// PONGs that may wait to be written to a peer; a PING more ends its connection.
pub const ANSWERS_WAITING_MAX: usize = 1024;

/// Bytes that one `read` may fetch.
pub const READ_BYTES_MAX: usize = 64 * 1024;

/// Reads in a turn of a connection; then other tasks have theirs.
pub const TURN_READS_MAX: usize = 4;

/// Messages that a turn takes from a peer; then other tasks have theirs.
pub const TURN_MESSAGES_MAX: usize = 256;

/// Writes in a turn of a connection; then other tasks have theirs.
pub const TURN_WRITES_MAX: usize = 16;

/// Bytes gathered for one `write`: what leaves a send queue before it is full is at most this and one message. On a secured connection
/// also the bytes sealed before they are written: at most this and one frame wait for the kernel.
pub const WRITE_BYTES_MAX: usize = 64 * 1024;

/// Slices of one vectored `write`.
pub const WRITE_SLICES_MAX: usize = 64;

/// A frame's body up to this many bytes is copied into the write buffer; a longer one is a slice of its own.
pub const COALESCE_BYTES_MAX: usize = 4 * 1024;

/// A received message up to this many bytes on the wire is copied out, so that keeping it pins no read buffer.
pub const COPY_OUT_BYTES_MAX: usize = 4 * 1024;

/// Milliseconds between PINGs.
pub const HEARTBEAT_INTERVAL_MS: u64 = 5_000;

/// Milliseconds without a byte after a PING; then the peer is dead.
pub const HEARTBEAT_TIMEOUT_MS: u64 = 10_000;

/// Milliseconds without traffic after which the kernel itself asks a TCP peer whether it is still there.
pub const KEEPALIVE_MS: u64 = 60_000;

/// Milliseconds before the first reconnection.
pub const RECONNECT_FIRST_MS: u64 = 50;

/// Milliseconds that the wait between reconnections grows to.
pub const RECONNECT_MAX_MS: u64 = 5_000;

/// Milliseconds that the wait grows to where the peer says that our key is not welcome: it may be one day, and is not likely to be soon.
pub const RECONNECT_REFUSED_MAX_MS: u64 = 60_000;

/// A connection that lasted this many milliseconds was a good one: the waits begin anew.
pub const RECONNECT_STABLE_MS: u64 = 1_000;

/// Milliseconds that closing a socket waits for its queues to be written.
pub const LINGER_MS: u64 = 1_000;

/// Events kept for a slow listener; then it loses the oldest.
pub const EVENTS_MAX: usize = 256;

/// Milliseconds between two log lines about misbehaving peers of one socket.
pub const COMPLAINT_INTERVAL_MS: u64 = 1_000;

/// Bytes of a Unix-domain socket's path (`sun_path`, less the closing zero).
pub const IPC_PATH_BYTES_MAX: usize = 107;

/// Bytes of a host name (RFC 1035).
pub const HOST_NAME_BYTES_MAX: usize = 253;

const _: () = assert!(HANDSHAKES_MAX >= HANDSHAKES_ADDRESS_SHARE);
const _: () = assert!(HANDSHAKE_COMMAND_BYTES_MAX <= COMMAND_BYTES_MAX);
const _: () = assert!(HANDSHAKE_COMMAND_BYTES_MAX > 2 * IDENTITY_BYTES_MAX);
const _: () = assert!(COPY_OUT_BYTES_MAX < READ_BYTES_MAX);
const _: () = assert!(COALESCE_BYTES_MAX < WRITE_BYTES_MAX);
const _: () =
    assert!(SEND_QUEUE_BYTES_MAX > MESSAGE_BYTES_MAX && RECEIVE_QUEUE_BYTES_MAX > MESSAGE_BYTES_MAX);
const _: () = assert!(RECONNECT_FIRST_MS <= RECONNECT_MAX_MS && RECONNECT_MAX_MS <= RECONNECT_REFUSED_MAX_MS);
