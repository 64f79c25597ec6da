package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
)

type explainCmd struct {
	App           string `help:"Directory of the app export." required:"" placeholder:"DIR"`
	As            string `help:"File with the user: id, type, data, custom_data, request." required:"" placeholder:"USER.json"`
	NS            string `name:"ns" env:"ROLEGATE_NS" help:"The collection." required:"" placeholder:"DB.COLL"`
	Service       string `help:"Data source, as clients call it. An app that has one needs none." placeholder:"NAME"`
	Op            string `help:"get, find, count, distinct, aggregate, update or delete. Without it the operation of the user's request, or else get or find." placeholder:"NAME"`
	Filter        string `help:"Filter of the client, in Extended JSON." placeholder:"JSON"`
	Sort          string `help:"Sort of the client." placeholder:"JSON"`
	Update        string `help:"Update of the client, by operators: tells how it would be stored." placeholder:"JSON"`
	Many          bool   `help:"The update, or the deletion, is of all documents that match."`
	Doc           string `help:"File with a document as it is stored, in Extended JSON, to explain step by step." placeholder:"FILE"`
	Format        string `help:"text for people, json for programs." enum:"text,json" default:"text"`
	SecretsDir    string `help:"Directory with one file for each secret; others are looked for in ROLEGATE_SECRET_<NAME>." placeholder:"DIR"`
	Config        string `help:"File of settings, as for serve." placeholder:"FILE"`
	Quarantine    bool   `help:"Explain an app of which some rules have errors: everything is denied on their namespaces."`
	Functions     string `help:"off refuses an app whose rules call functions, instead of running them." enum:"on,off" default:"on"`
	StoreDatabase string `help:"Database of rolegate's own data, which nobody is served from." default:"__rolegate"`
}

// Run reports on stdout. It needs no database.
func (c *explainCmd) Run(s streams) error {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	r, err := explain.New(o)
	if err != nil {
		return err
	}
	if c.Format == "json" {
		return r.WriteJSON(s.out)
	}
	return r.WriteText(s.out)
}

func (c *explainCmd) options(s streams) (o explain.Options, err error) {
	secrets, err := server.OpenSecrets(c.SecretsDir, os.LookupEnv)
	if err != nil {
		return o, err
	}
	settings, err := openFile(c.Config)
	if err != nil {
		return o, err
	}
	app, err := server.OpenRules(server.Options{
		App: c.App, StoreDatabase: c.StoreDatabase, Secrets: secrets, Settings: settings, Quarantine: c.Quarantine,
		NoFunctions: c.Functions == "off",
	})
	if err != nil {
		return o, err
	}
	o = explain.Options{Proxy: app.Proxy, Operation: c.Op, Many: c.Many}
	if o.Namespace, err = c.namespace(app.DataSources); err != nil {
		return o, err
	}
	err = c.input(s, &o)
	return o, err
}

// input reads what is not part of the app.
func (c *explainCmd) input(s streams, o *explain.Options) error {
	user, err := openFile(c.As)
	if err != nil {
		return err
	}
	if user == nil {
		return errors.New("as whom? give --as")
	}
	doc, err := openFile(c.Doc)
	if err != nil {
		return err
	}
	if o.User, err = parseInput(s, user, explain.ParseUser); err != nil {
		return err
	}
	if o.Document, err = parseInput(s, doc, explain.ParseDocument); err != nil {
		return err
	}
	if o.Filter, err = parseInput(s, flagText("--filter", c.Filter), explain.ParseDocument); err != nil {
		return err
	}
	if o.Update, err = parseInput(s, flagText("--update", c.Update), explain.ParseDocument); err != nil {
		return err
	}
	o.Sort, err = parseInput(s, flagText("--sort", c.Sort), explain.ParseDocument)
	return err
}

// flagText is the text of a flag as a file; it is nil where none is given.
func flagText(name, text string) *source.File {
	if text == "" {
		return nil
	}
	return &source.File{Name: name, Text: []byte(text)}
}

// namespace finds the data source by what clients call it.
func (c *explainCmd) namespace(dataSources map[string]string) (ns rules.Namespace, err error) {
	database, collection, ok := strings.Cut(c.NS, ".")
	if !ok {
		return ns, fmt.Errorf("%q is no namespace, which is database.collection", c.NS)
	}
	ns = rules.Namespace{Service: c.Service, Database: database, Collection: collection}
	if service, known := dataSources[c.Service]; known {
		ns.Service = service
	}
	if c.Service != "" {
		return ns, nil
	}
	services := slices.Compact(slices.Sorted(maps.Values(dataSources)))
	if len(services) != 1 {
		return ns, fmt.Errorf("of which data source? give --service, one of: %s", strings.Join(services, ", "))
	}
	ns.Service = services[0]
	return ns, nil
}

// parseInput shows what is wrong with its place. There is nothing to read in no file.
func parseInput[T any](s streams, f *source.File, parse func(*source.File) (T, source.Diagnostics)) (out T, err error) {
	if f == nil {
		return out, nil
	}
	out, ds := parse(f)
	if ds.HasErrors() {
		err = errors.Join(ds.WriteText(s.err), fmt.Errorf("%s cannot be used", f.Name))
	}
	return out, err
}
