FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN make build "VERSION=${VERSION}"

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/postflight /postflight
USER 65532:65532
EXPOSE 9876
ENTRYPOINT ["/postflight"]
CMD ["serve", "--config", "/etc/postflight/postflight.yml"]
