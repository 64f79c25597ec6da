package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// starter is the smallest app.
//
//go:embed starter
var starter embed.FS

type initCmd struct {
	Dir string `arg:"" help:"Directory to write to; new or empty."`
}

// Run writes the starter. It never touches a directory that has something in it.
func (c *initCmd) Run(s streams) error {
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty", c.Dir)
	}
	files, err := fs.Sub(starter, "starter")
	if err != nil {
		return err
	}
	if err := os.CopyFS(c.Dir, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, `wrote an app to %[1]s
  %[2]s
    is the one collection that is served; its one role lets users read and write their own notes
next:
  rolegate validate %[1]s
  export ROLEGATE_SECRET_TOKEN_KEY="$(openssl rand -hex 32)"   # the key that your tokens are signed with, HS256
  rolegate serve --app %[1]s --mongodb-uri mongodb://127.0.0.1:27017
`, c.Dir, filepath.Join(c.Dir, "data_sources", "mongodb-atlas", "example", "notes", "rules.json"))
	return err
}
