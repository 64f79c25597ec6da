package main

import (
	"fmt"
	"os"

	"github.com/rolegate/rolegate/internal/server"
)

type validateCmd struct {
	Dir           string `arg:"" help:"Directory of the app export."`
	Format        string `help:"text for people, json for programs." enum:"text,json" default:"text"`
	SecretsDir    string `help:"Directory with one file for each secret, to see which are missing." placeholder:"DIR"`
	StoreDatabase string `help:"Database of rolegate's own data, which the app may not have rules for." default:"__rolegate"`
}

// Run reports on stdout. Secrets that are not given are warnings: an export never contains them.
func (c *validateCmd) Run(s streams) error {
	secrets, err := server.OpenSecrets(c.SecretsDir, os.LookupEnv)
	if err != nil {
		return err
	}
	r, err := server.Validate(c.Dir, secrets, c.StoreDatabase)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		err = r.Diagnostics.WriteJSON(s.out)
	} else if err = r.Diagnostics.WriteText(s.out); err == nil {
		_, err = fmt.Fprintln(s.out, r.Summary())
	}
	if err == nil && r.Diagnostics.HasErrors() {
		return errInvalid
	}
	return err
}
