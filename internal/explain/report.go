package explain

import "encoding/json"

// Report is everything that is said about a request. The names of its JSON form are stable; docs/explain.md explains them.
// Values and queries are relaxed Extended JSON.
type Report struct {
	Namespace   string      `json:"namespace"`
	DataSource  string      `json:"data_source"`
	Operation   string      `json:"operation"`
	User        string      `json:"user"`
	UserType    string      `json:"user_type"`
	Notes       []string    `json:"notes"` // what to bear in mind
	Filters     []Filter    `json:"query_filters"`
	Roles       []Role      `json:"roles"`
	Read        Read        `json:"read"`
	Aggregation Aggregation `json:"aggregation"`
	Write       *Write      `json:"write,omitempty"`
	Document    *Document   `json:"document,omitempty"`
}

// Filter is a query filter of the rules, for this user.
type Filter struct {
	Name       string          `json:"name"`
	At         string          `json:"at"` // file:line:column
	ApplyWhen  Step            `json:"apply_when"`
	HidesAll   bool            `json:"hides_all"` // it applies, or may, and a value that it needs is missing
	Query      json.RawMessage `json:"query,omitempty"`
	Projection json.RawMessage `json:"projection,omitempty"`
}

// Role is a role, for this user and before any document.
type Role struct {
	Name        string       `json:"name"`
	At          string       `json:"at"`
	Live        bool         `json:"live"`             // documents are asked about it
	Reason      string       `json:"reason,omitempty"` // why it is not live
	ApplyWhen   Step         `json:"apply_when"`
	Permissions []Permission `json:"permissions"` // of the document as a whole
	Shows       []Shows      `json:"shows"`       // empty: nothing of any document
	Presets     []Preset     `json:"presets,omitempty"`
	Message     string       `json:"message,omitempty"` // for whom it denies a write
}

// Preset is a value that a role sets.
type Preset struct {
	On    string `json:"on"` // insert or update
	Path  string `json:"path"`
	Value string `json:"value"` // as the role has it
}

// Shows is what a role shows of the documents that match a query.
type Shows struct {
	Documents json.RawMessage `json:"documents"`         // query filters and the client's filter aside
	Because   string          `json:"because,omitempty"` // the permission for which other documents match, too
	Whole     bool            `json:"whole"`             // all of the document, else field by field
	Fields    []Field         `json:"fields,omitempty"`
	Others    string          `json:"others,omitempty"` // as Field.Shown, of every other field
}

// Field is a top-level field and how much of it is shown: whole, part, condition or hidden.
type Field struct {
	Name  string `json:"name"`
	Shown string `json:"shown"`
}

// Permission is a condition of a role under the name of its key, such as fields.salary.read.
type Permission struct {
	Name string `json:"name"`
	Step
}

// Step is a condition or a part of one.
type Step struct {
	Text  string `json:"text"`
	At    string `json:"at"`
	Truth string `json:"truth"` // true, false, unknown, error, or depends: on the document
	// Join says how the parts make up the whole: all, any, none or not. It is empty where there are none.
	Join   string  `json:"join,omitempty"`
	Parts  []Step  `json:"parts,omitempty"`
	Values []Value `json:"values,omitempty"`
}

// Value is what an expansion or a field stood for.
type Value struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value,omitempty"` // absent when there is none
}

// Read is how the documents are found.
type Read struct {
	Filter  json.RawMessage `json:"filter"`
	Sort    json.RawMessage `json:"sort,omitempty"`
	Plan    string          `json:"plan"` // none, exact or narrowed
	Reasons []Reason        `json:"reasons"`
	// What the database is asked, unless the plan is none.
	Query      json.RawMessage `json:"query,omitempty"`
	QuerySort  json.RawMessage `json:"query_sort,omitempty"`
	SortsThere bool            `json:"sorts_in_database"` // also when any order will do
	PagesThere bool            `json:"pages_in_database"` // skip, limit and counting
	// Neither by the query alone, but both where the database can compute fields.
	ComputesThere bool `json:"pages_in_database_by_pipeline"`
}

// Reason is what keeps a plan from being exact.
type Reason struct {
	Role       string `json:"role,omitempty"` // absent for the query filters
	Permission string `json:"permission"`
	Path       string `json:"path,omitempty"` // of the client's filter
}

// Write is how an update or a deletion is stored.
type Write struct {
	Mode   string          `json:"mode"` // direct or guarded
	Reason string          `json:"why_guarded,omitempty"`
	Filter json.RawMessage `json:"write_filter,omitempty"`  // of a direct write
	Denied json.RawMessage `json:"denied_filter,omitempty"` // what must not be found before it
}

// Aggregation tells whether a pipeline can begin with the view.
type Aggregation struct {
	InDatabase bool    `json:"in_database"`
	Segments   int     `json:"segments"` // that the view consists of
	Reason     *Reason `json:"reason,omitempty"`
}

// Document is what becomes of one stored document.
type Document struct {
	Stored   json.RawMessage `json:"stored"`
	Filters  []Verdict       `json:"query_filters"`
	Roles    []Tried         `json:"roles"`
	Decision Decision        `json:"decision"`
	Fields   []Fate          `json:"fields"`
	Visible  bool            `json:"visible"`
	View     json.RawMessage `json:"view,omitempty"` // what the user sees
	Matches  bool            `json:"matches"`        // the client's filter finds it
	Hidden   []string        `json:"hidden"`         // paths that the filter tests, where the user sees less than is stored
}

// Verdict is a query filter that applies, and whether the document passes.
type Verdict struct {
	Name   string `json:"name"`
	Passes bool   `json:"passes"`
}

// Tried is a role in the order of the rules. One that is out, or stands behind the role that decides, is not asked.
type Tried struct {
	Name      string `json:"name"`
	Outcome   string `json:"outcome"` // applies, passed, fails, out or later
	ApplyWhen *Step  `json:"apply_when,omitempty"`
}

// Decision is what the user may see of a document.
type Decision struct {
	Role        string       `json:"role,omitempty"`
	Shows       string       `json:"shows"` // document, fields, nothing or withheld
	Reason      string       `json:"reason"`
	Permissions []Permission `json:"permissions"` // of the role for the document as a whole
}

// Fate is what becomes of a stored field: shown, part or hidden.
type Fate struct {
	Path        string       `json:"path"`
	Fate        string       `json:"fate"`
	Reason      string       `json:"reason"`
	Permissions []Permission `json:"permissions"` // that were asked about it
	Fields      []Fate       `json:"fields,omitempty"`
}
