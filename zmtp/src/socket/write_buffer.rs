//! What a connection is about to write: small frames gathered in one buffer, large bodies as slices of their own, so
//! that many messages leave in one system call and no large one is copied.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::send_queue::Outbound;
use crate::codec::{Command, FrameHeader};
use crate::limits;
use crate::message::Message;

/// Bytes to write, in order. Not bounded itself: the connection fills it only when it is empty.
#[derive(Debug, Default)]
pub(crate) struct WriteBuffer {
    /// Before the tail.
    slices: VecDeque<Bytes>,
    tail: BytesMut,
    progressed: bool,
}

/// A buffer up to this many bytes is kept for the next message; a larger one is given back when it is empty.
const KEPT_BYTES_MAX: usize = 4 * 1024;

impl WriteBuffer {
    pub(crate) fn is_empty(&self) -> bool {
        self.slices.is_empty() && self.tail.is_empty()
    }

    pub(crate) fn push(&mut self, item: Outbound) {
        match item {
            Outbound::Message(message) => self.push_message(message),
            Outbound::Encoded(bytes) => self.push_bytes(bytes),
        }
    }

    pub(crate) fn push_command(&mut self, command: &Command<'_>) {
        command.encode(&mut self.tail);
    }

    fn push_message(&mut self, message: Message) {
        if message.byte_len() <= limits::COALESCE_BYTES_MAX {
            message.encode(&mut self.tail);
            return;
        }
        let frames = message.into_frames();
        let last = frames.len() - 1;
        for (index, frame) in frames.into_iter().enumerate() {
            FrameHeader::message(index < last, frame.len()).encode(&mut self.tail);
            self.push_bytes(frame);
        }
    }

    fn push_bytes(&mut self, bytes: Bytes) {
        if bytes.len() <= limits::COALESCE_BYTES_MAX {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.slices.push_back(self.tail.split().freeze());
        }
        self.slices.push_back(bytes);
    }

    /// Whether anything was written since this was last asked.
    pub(crate) fn take_progress(&mut self) -> bool {
        std::mem::take(&mut self.progressed)
    }

    /// Writes until all is written and flushed, or the kernel takes no more.
    pub(crate) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let written = if self.slices.is_empty() {
                ready!(Pin::new(&mut *writer).poll_write(cx, &self.tail))?
            } else {
                let mut slices = [IoSlice::new(&[]); limits::WRITE_SLICES_MAX];
                let count = self.gather(&mut slices);
                ready!(Pin::new(&mut *writer).poll_write_vectored(cx, &slices[..count]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.progressed = true;
            self.advance(written);
        }
        if self.tail.capacity() > KEPT_BYTES_MAX {
            self.tail = BytesMut::new();
        }
        // A secured stream takes bytes before the kernel does.
        Pin::new(writer).poll_flush(cx)
    }

    fn gather<'a>(&'a self, into: &mut [IoSlice<'a>]) -> usize {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let all = self.slices.iter().map(|slice| &slice[..]).chain(tail);
        into.iter_mut().zip(all).map(|(place, slice)| *place = IoSlice::new(slice)).count()
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(slice) = self.slices.front_mut() {
            if written < slice.len() {
                slice.advance(written);
                return;
            }
            written -= slice.len();
            self.slices.pop_front();
        }
        if written == self.tail.len() {
            self.tail.clear();
        } else {
            self.tail.advance(written);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, IoSlice};
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use bytes::{Bytes, BytesMut};
    use tokio::io::AsyncWrite;

    use super::{Outbound, WriteBuffer};
    use crate::codec::Command;
    use crate::message::Message;

    /// A kernel that takes so many bytes a call, and nothing at all every other time.
    struct Grudging {
        bytes_a_call: usize,
        taken: Vec<u8>,
        calls: usize,
    }

    impl AsyncWrite for Grudging {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Poll::Pending;
            }
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter()).copied().collect();
            let count = bytes.len().min(self.bytes_a_call);
            self.taken.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn messages() -> Vec<Message> {
        [&[3][..], &[0, 10], &[5, 5000], &[5000, 1, 70_000], &[1]]
            .into_iter()
            .map(|sizes| {
                Message::new(sizes.iter().map(|size| Bytes::from(vec![*size as u8; *size])).collect())
            })
            .collect()
    }

    #[test]
    fn all_bytes_go_out_in_order_however_few_are_taken_at_a_time() {
        let mut expect = BytesMut::new();
        for message in messages() {
            message.encode(&mut expect);
            message.encode(&mut expect);
            Command::Pong { context: b"x" }.encode(&mut expect);
        }
        for bytes_a_call in [1000, 4099, 1 << 20] {
            let mut buffer = WriteBuffer::default();
            for message in messages() {
                let mut encoded = BytesMut::new();
                message.encode(&mut encoded);
                buffer.push(Outbound::Message(message));
                buffer.push(Outbound::Encoded(encoded.freeze()));
                buffer.push_command(&Command::Pong { context: b"x" });
            }
            let mut kernel = Grudging { bytes_a_call, taken: Vec::new(), calls: 0 };
            let mut cx = Context::from_waker(Waker::noop());
            while buffer.poll_write(&mut cx, &mut kernel).is_pending() {}
            assert!(buffer.is_empty());
            assert!(kernel.taken == expect, "{bytes_a_call} bytes a call");
        }
    }

    #[test]
    fn many_small_messages_leave_in_one_call() {
        let mut buffer = WriteBuffer::default();
        for number in 0..500_u32 {
            buffer.push(Outbound::Message(Message::single(number.to_be_bytes().to_vec())));
        }
        let mut kernel = Grudging { bytes_a_call: usize::MAX, taken: Vec::new(), calls: 0 };
        assert!(buffer.poll_write(&mut Context::from_waker(Waker::noop()), &mut kernel).is_ready());
        assert_eq!((kernel.calls, kernel.taken.len()), (1, 500 * 6));
    }
}
