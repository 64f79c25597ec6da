package policytest

import (
	"io/fs"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/tools/txtar"
)

// Case is one file of the corpus, or of the cases beside an app.
type Case struct {
	Name      string // the file's path inside the corpus, without .txtar
	Text      string // what it shows, in plain English
	Spec      []string
	Decisions []string
	Needs     string // what a target must have; "" when every one will do

	Users     map[string]*User
	Documents []Collection
	Secrets   map[string]string
	Settings  []byte    // server.json; nil when the case has none
	Now       time.Time // when the case begins; zero is when it runs
	Refused   *Section  // "want refused"; nil when the app loads
	Steps     []*Step

	export  map[string][]byte // the app export as written
	archive *txtar.Archive
	beside  bool // an app: it has the rest of the export
}

// User is an entry of users.json.
type User struct {
	Name       string
	ID         string
	Type       string   // normal or server
	Provider   string   // that let them in, such as custom-token or api-key
	Data       bson.Raw // nil is {}
	CustomData bson.Raw // nil when the user has none
}

// Namespace is a collection of a data source, as cases write it.
type Namespace struct {
	Service, Database, Collection string
}

func (ns Namespace) String() string { return ns.Database + "." + ns.Collection }

// Collection is what a collection contains before the first step.
type Collection struct {
	Namespace
	Documents []bson.Raw
}

// Section is the text of one file of the archive.
type Section struct {
	Lines []string
	Line  int // of the first of Lines, counted from 1 in the case file
	file  int // index into the archive
}

// Step is one request with what has to come back. Exactly one of Command and HTTP is set.
type Step struct {
	Number  int
	Title   string
	Line    int
	Text    string // the request as it is written
	User    string // who asks; "" when HTTP is set
	Command *Command
	HTTP    *Exchange
	Want    *Section
	Stored  []Stored
}

// Command is an action of the Data API with its arguments.
type Command struct {
	Action string
	Namespace
	Args    []Arg
	Headers []Header
}

// Arg is one key of a request's body.
type Arg struct {
	Key   string
	Text  string // as written, JSON
	Value bson.RawValue
}

// Arg returns the value given for a key.
func (c *Command) Arg(key string) (bson.RawValue, bool) {
	for _, a := range c.Args {
		if a.Key == key {
			return a.Value, true
		}
	}
	return bson.RawValue{}, false
}

// Header is one header line.
type Header struct{ Name, Value string }

// Exchange is a request written out.
type Exchange struct {
	Method, Target string
	Headers        []Header
	Body           string
}

// Stored says what a collection contains after a step.
type Stored struct {
	Namespace
	Want *Section
}

// Files is the app export that a case of the corpus is about. A case writes down only what it is about; the rest is
// supplied here: a root file, the data source mongodb-atlas, the providers of the test's users, and, when a
// user has custom data, the collection it is read from (database "users", collection "custom").
func (c *Case) Files() fs.FS {
	files := map[string][]byte{}
	add := func(name, text string) { files[name] = []byte(text) }
	if !c.hasAny("root_config.json", "realm_config.json", "config.json", "stitch.json") {
		add("root_config.json", rootConfig)
	}
	if !c.hasAny("data_sources/"+DefaultService+"/config.json", "services/"+DefaultService+"/config.json") {
		add("data_sources/"+DefaultService+"/config.json", serviceConfig)
	}
	if !c.hasAny("auth/providers.json", "auth_providers/custom-token.json") {
		add("auth/providers.json", c.providers())
	}
	if !c.Has(customDataFile) && c.hasCustomData() {
		add(customDataFile, customDataConfig)
	}
	maps.Copy(files, c.export)
	return fileSystem(files)
}

// Over is the app export of a case beside an app: that of the app, with the files that the case writes instead.
func (c *Case) Over(app fs.FS) (fs.FS, error) {
	if len(c.export) == 0 {
		return app, nil
	}
	files := map[string][]byte{}
	err := fs.WalkDir(app, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files[name], err = fs.ReadFile(app, name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	maps.Copy(files, c.export)
	return fileSystem(files), nil
}

// fileSystem holds files with valid names.
func fileSystem(files map[string][]byte) fs.FS {
	a := &txtar.Archive{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		a.Files = append(a.Files, txtar.File{Name: name, Data: files[name]})
	}
	fsys, err := txtar.FS(a)
	if err != nil {
		return noFiles{err}
	}
	return fsys
}

// noFiles says for every file why there are none: one of them lies where another needs a directory.
type noFiles struct{ err error }

func (f noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

// Has tells whether the case writes this file of the export itself.
func (c *Case) Has(name string) bool {
	_, ok := c.export[name]
	return ok
}

func (c *Case) hasAny(names ...string) bool { return slices.ContainsFunc(names, c.Has) }

// ChangesApp tells whether the case writes files of the export.
func (c *Case) ChangesApp() bool { return len(c.export) > 0 }

// Clock is the time for a case that begins now: the day it says, or today.
func (c *Case) Clock() func() time.Time {
	if c.Now.IsZero() {
		return time.Now
	}
	begun := time.Now()
	return func() time.Time { return c.Now.Add(time.Since(begun)) }
}

// HasOwnCustomData tells whether the case says itself where custom user data is kept. Then the custom_data of
// users.json is not stored anywhere.
func (c *Case) HasOwnCustomData() bool { return c.Has(customDataFile) }

func (c *Case) hasCustomData() bool {
	for _, u := range c.Users {
		if u.CustomData != nil {
			return true
		}
	}
	return false
}
