# A static binary alone in an image: no shell, no package manager, not root.
FROM golang:1.26 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOWORK=off
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN go build -trimpath -ldflags="-s -w" -o /rolegate ./cmd/rolegate

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /rolegate /rolegate
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/rolegate"]
CMD ["serve"]
