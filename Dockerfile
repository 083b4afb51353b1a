# syntax=docker/dockerfile:1

FROM rust:1.95-alpine AS build
# SQLite is compiled from source, against musl's headers.
# hadolint ignore=DL3018
RUN apk add --no-cache musl-dev
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --profile dist --bin recado \
    && cp target/dist/recado /recado \
    && mkdir /data

FROM scratch
LABEL org.opencontainers.image.title="recado" \
      org.opencontainers.image.description="Team chat and messaging for the terminal over plain ZeroMQ" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /recado /recado
# The store's place: mount a volume here. A new one takes this folder's owner, so that the program may write without being root.
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
ENV HOME=/data RECADO_STORE=sqlite:/data/recado.db
EXPOSE 5555 5557 5558
ENTRYPOINT ["/recado"]
# `--open` because a container is reached from outside its own loopback; publish the ports where only those you mean can reach them.
CMD ["up", "--open", "--requests", "tcp://0.0.0.0:5555", "--publishers", "tcp://0.0.0.0:5557", "--subscribers", "tcp://0.0.0.0:5558"]
