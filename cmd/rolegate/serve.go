package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/rolegate/rolegate/internal/audit"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

type serveCmd struct {
	App            string     `help:"Directory of the app export." required:"" placeholder:"DIR"`
	MongoDBURI     string     `name:"mongodb-uri" env:"ROLEGATE_MONGODB_URI" help:"Connection string of the database." required:"" placeholder:"URI"`
	Listen         string     `help:"Address of the Data API." default:"127.0.0.1:8080"`
	AdminListen    string     `help:"Address of /healthz, /readyz and /metrics." default:"127.0.0.1:9090"`
	AppID          string     `name:"app-id" env:"ROLEGATE_APP_ID" help:"Client app id, when the export lacks it or clients use another." placeholder:"ID"`
	SecretsDir     string     `help:"Directory with one file for each secret; others are looked for in ROLEGATE_SECRET_<NAME>." placeholder:"DIR"`
	Config         string     `help:"File of settings, JSON with comments: data sources, limits, compatibility." placeholder:"FILE"`
	Quarantine     bool       `help:"Serve an app of which some rules have errors, and deny everything on their namespaces."`
	TLSCert        string     `name:"tls-cert" env:"ROLEGATE_TLS_CERT" help:"Certificate chain in PEM, read again when it changes." placeholder:"FILE"`
	TLSKey         string     `name:"tls-key" env:"ROLEGATE_TLS_KEY" help:"Key of the certificate." placeholder:"FILE"`
	InsecureHTTP   bool       `name:"insecure-http" env:"ROLEGATE_INSECURE_HTTP" help:"Serve plain HTTP beyond this machine, because TLS ends in front of rolegate."`
	Functions      string     `help:"off refuses an app whose rules call functions, instead of running them." enum:"on,off" default:"on"`
	StoreDatabase  string     `help:"Database of rolegate's own data." default:"__rolegate"`
	AllowedOrigins []string   `help:"Origins of web pages that may call, instead of those of the export." placeholder:"LIST"`
	LogLevel       slog.Level `help:"debug, info, warn or error." default:"info"`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	secrets, err := server.OpenSecrets(c.SecretsDir, os.LookupEnv)
	if err != nil {
		return err
	}
	settings, err := openFile(c.Config)
	if err != nil {
		return err
	}
	running, err := server.New(ctx, server.Options{
		App:            c.App,
		AppID:          c.AppID,
		MongoDBURI:     c.MongoDBURI,
		StoreDatabase:  c.StoreDatabase,
		Listen:         c.Listen,
		AdminListen:    c.AdminListen,
		TLSCert:        c.TLSCert,
		TLSKey:         c.TLSKey,
		InsecureHTTP:   c.InsecureHTTP,
		AllowedOrigins: c.AllowedOrigins,
		Secrets:        secrets,
		Settings:       settings,
		Quarantine:     c.Quarantine,
		NoFunctions:    c.Functions == "off",
		Logger:         audit.New(s.err, c.LogLevel),
	})
	if err != nil {
		return err
	}
	return running.Run(ctx)
}

// openFile reads a file that the operator names; it is nil where they name none.
func openFile(name string) (*source.File, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name) //nolint:gosec // it is theirs
	if err != nil {
		return nil, err
	}
	return &source.File{Name: name, Text: text}, nil
}
