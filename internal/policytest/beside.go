package policytest

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Beside is what the cases beside an app have in common: who asks, what is stored, and what the server is told.
type Beside struct{ common Case }

// ReadBeside reads users.json, documents/, secrets.json and server.json, which are written as in a case, from the
// directory that cases/ is in. Each of them may be missing.
func ReadBeside(dir fs.FS) (*Beside, error) {
	b := &Beside{Case{Users: map[string]*User{}}}
	var errs []error
	read := func(name string, use func(p *parser, data []byte)) {
		data, err := fs.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		p := &parser{file: name, c: &b.common}
		use(p, data)
		errs = append(append(errs, err), p.errs...)
	}
	read("users.json", func(p *parser, data []byte) { p.users(data, 0) })
	read("secrets.json", func(p *parser, data []byte) { p.secrets(data, 0) })
	read("server.json", func(_ *parser, data []byte) { b.common.Settings = data })
	documents, err := fs.Glob(dir, "documents/*.json")
	more, otherErr := fs.Glob(dir, "documents/*/*.json")
	errs = append(errs, err, otherErr)
	for _, name := range slices.Concat(documents, more) {
		read(name, func(p *parser, data []byte) { p.documents(name, data, 0) })
	}
	return b, errors.Join(errs...)
}

// Cases reads cases/, in the order of their names; one in a directory is called as its path. Every mistake that is found
// is reported.
func (b *Beside) Cases(dir fs.FS) ([]*Case, error) {
	var cases []*Case
	var errs []error
	err := fs.WalkDir(dir, "cases", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".txtar" {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		c, err := b.Parse(strings.TrimPrefix(name, "cases/"), data)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		cases = append(cases, c)
		return nil
	})
	if err == nil && len(cases)+len(errs) == 0 {
		err = errors.New("cases: no file NAME.txtar")
	}
	return cases, errors.Join(append(errs, err)...)
}

// Parse reads one case, by its path in cases/. What it says itself about a user, a collection, a secret or the settings takes the place of what
// is common, and its files of an app export that of the app's.
func (b *Beside) Parse(name string, data []byte) (*Case, error) {
	c := b.common
	c.Users, c.Secrets = maps.Clone(c.Users), maps.Clone(c.Secrets)
	c.Documents = slices.Clone(c.Documents)
	c.beside = true
	out, err := parse(&c, "cases/"+name, data)
	out.Name = strings.TrimPrefix(out.Name, "cases/")
	return out, err
}

// Secrets are the values of secrets, by their names.
func (b *Beside) Secrets() map[string]string { return b.common.Secrets }

// Settings are those of the server; nil when there are none.
func (b *Beside) Settings() []byte { return b.common.Settings }
