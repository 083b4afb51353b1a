//! Bytes into a request. Whatever is wrong, what was read before it serves to answer.

use super::error::Refusal;
use super::fields::Fields;
use super::{Request, RequestBody, RequestError};
use crate::code::Code;
use crate::limits::{REQUEST_BYTES_MAX, SERVICE_BYTES_MAX};
use crate::reference::Ref;
use crate::service::{Service, ServiceName};
use crate::timestamp::Timestamp;
use crate::wire::{FormatError, Reader, Value};

/// The outer map, as far as it was read.
#[derive(Default)]
struct Envelope<'a> {
    service: Option<Value<'a>>,
    data: Option<Value<'a>>,
    timestamp: Option<Value<'a>>,
    clock: Option<Value<'a>>,
    reference: Option<&'a [u8]>,
}

impl Request {
    /// Reads one request. The error says everything that an answer to it needs.
    pub fn decode(frame: &[u8]) -> Result<Self, RequestError> {
        let mut envelope = Envelope::default();
        let read = envelope.read(frame);
        let fields = match envelope.data {
            Some(Value::Map(items)) => Fields::read(items),
            _ => Fields::default(),
        };
        let clock = fields.clock().or_else(|| envelope.clock.and_then(Value::as_counter));
        let (reference, bad_reference) = match envelope.reference.map(Ref::from_value).transpose() {
            Ok(reference) => (reference, Ok(())),
            Err(error) => (None, Err(Refusal::bad_request(error.to_string()))),
        };
        match read.and(bad_reference).and_then(|()| envelope.body(&fields)) {
            Ok(body) => {
                let timestamp =
                    fields.timestamp().or_else(|| envelope.timestamp.and_then(Timestamp::from_wire));
                Ok(Self { body, timestamp, clock, reference })
            }
            Err(Refusal { code, description }) => {
                Err(RequestError { service: envelope.service_name(), reference, clock, code, description })
            }
        }
    }
}

impl<'a> Envelope<'a> {
    fn read(&mut self, frame: &'a [u8]) -> Result<(), Refusal> {
        if frame.len() > REQUEST_BYTES_MAX {
            let description =
                format!("a request has at most {REQUEST_BYTES_MAX} bytes, this one has {}", frame.len());
            return Err(Refusal { code: Code::TooLarge, description });
        }
        let Some(mut pairs) = Reader::new(frame).open_map().map_err(malformed)? else {
            return Err(Refusal::bad_request("a request is a MessagePack map with `service` and `data`"));
        };
        while let Some(key) = pairs.key().map_err(malformed)? {
            match key {
                b"ref" => self.reference = Some(pairs.raw().map_err(malformed)?),
                b"service" => self.service = pairs.value().map_err(malformed)?.unless_nil(),
                b"data" => self.data = pairs.value().map_err(malformed)?.unless_nil(),
                b"timestamp" => self.timestamp = pairs.value().map_err(malformed)?.unless_nil(),
                b"clock" => self.clock = pairs.value().map_err(malformed)?.unless_nil(),
                _ => {
                    pairs.raw().map_err(malformed)?;
                }
            }
        }
        if !pairs.is_at_end() {
            return Err(Refusal::bad_request(
                "something follows the request's map: one frame holds one request",
            ));
        }
        Ok(())
    }

    fn body(&self, fields: &Fields<'a>) -> Result<RequestBody, Refusal> {
        let service = self.known_service()?;
        if !matches!(self.data, None | Some(Value::Map(_))) {
            return Err(Refusal::bad_request("`data` is not a map"));
        }
        Ok(match service {
            Service::Login => RequestBody::Login { user: fields.user()?, password: fields.password_if_any() },
            Service::Users => RequestBody::Users,
            Service::Channel => RequestBody::Channel {
                channel: fields.channel()?,
                id: fields.id()?,
                user: fields.user_if_any(),
                private: fields.private()?,
            },
            Service::Channels => RequestBody::Channels,
            Service::Publish => RequestBody::Publish {
                user: fields.user()?,
                channel: fields.channel()?,
                message: fields.message()?,
                id: fields.id()?,
                manner: fields.manner()?,
            },
            Service::Message => RequestBody::Message {
                src: fields.src()?,
                dst: fields.dst()?,
                message: fields.message()?,
                id: fields.id()?,
                manner: fields.manner()?,
            },
            Service::Act => {
                let within = fields.act_in()?;
                let act = fields.act(&within)?;
                RequestBody::Act { user: fields.user()?, within, act, id: fields.id()? }
            }
            Service::History => RequestBody::History(fields.history()?),
            Service::Search => RequestBody::Search(fields.search()?),
            Service::Sync => RequestBody::Sync {
                user: fields.user_if_given()?,
                topic: fields.sync_topic()?,
                topics: fields.topics()?,
            },
            Service::Mark => RequestBody::Mark { user: fields.user()?, mark: fields.mark()? },
            Service::Marks => RequestBody::Marks { user: fields.user()? },
            Service::Here => RequestBody::Here {
                user: fields.user()?,
                state: fields.presence()?,
                device: fields.device()?,
                typing: fields.typing()?,
            },
            Service::Who => RequestBody::Who,
            Service::Join => RequestBody::Join {
                code: fields.code()?,
                user: fields.user_if_given()?,
                device: fields.label()?,
            },
            Service::Admin => RequestBody::Admin { user: fields.user_if_given()?, act: fields.admin()? },
            Service::Keys => RequestBody::Keys { of: fields.of_if_given()? },
            Service::Members => RequestBody::Members { channel: fields.channel()? },
            Service::Audit => {
                RequestBody::Audit { after: fields.after_event()?, limit: fields.audit_limit()? }
            }
        })
    }

    fn known_service(&self) -> Result<Service, Refusal> {
        match self.service {
            None => Err(Refusal::bad_request("`service` is missing")),
            Some(Value::Text(word)) => Service::from_wire(word).ok_or_else(|| {
                let known = Service::ALL.map(Service::as_str).join(", ");
                let description = match self.service_name() {
                    Some(name) => format!("there is no service {:?}; there are {known}", name.as_str()),
                    None => format!("there is no such service; there are {known}"),
                };
                Refusal { code: Code::UnknownService, description }
            }),
            Some(_) => Err(Refusal::bad_request("`service` is not text")),
        }
    }

    /// The name to answer to: any text of a decent length.
    fn service_name(&self) -> Option<ServiceName> {
        let word = self.service?.as_text()?;
        if let Some(service) = Service::from_wire(word.as_bytes()) {
            return Some(ServiceName::Known(service));
        }
        (word.len() <= SERVICE_BYTES_MAX).then(|| ServiceName::Other(word.to_owned()))
    }
}

fn malformed(error: FormatError) -> Refusal {
    Refusal::bad_request(format!("the request is no MessagePack: {error}"))
}
