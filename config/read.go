package config

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// Bounds of an export. The largest known ones have a few hundred files of some kilobytes.
const (
	maxFileBytes = 4 << 20
	maxEntries   = 50_000
)

// tree reads the files of an export, each once.
type tree struct {
	fsys    fs.FS
	read    map[string][]byte
	entries int // seen in listings
}

// file returns a file's text. A file that does not exist is nil without a problem.
func (t *tree) file(name string) (*source.File, source.Diagnostics) {
	var ds source.Diagnostics
	if text, ok := t.read[name]; ok {
		return &source.File{Name: name, Text: text}, nil
	}
	f, err := t.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(f, maxFileBytes+1))
		err = errors.Join(err, f.Close())
	}
	switch {
	case err != nil:
		ds.Error(unread(name), CodeUnreadable, "links must stay inside the export", "the file cannot be read: %v", reason(err))
		return nil, ds
	case len(text) > maxFileBytes:
		ds.Error(unread(name), CodeFileTooLarge, "", "the file is larger than %d bytes", maxFileBytes)
		return nil, ds
	}
	t.read[name] = text
	return &source.File{Name: name, Text: text}, nil
}

// list returns the entries of a directory, sorted, without hidden ones. One that does not exist is empty.
func (t *tree) list(dir string, ds *source.Diagnostics) []entry {
	found, err := fs.ReadDir(t.fsys, dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			ds.Error(whole(dir), CodeUnreadable, "", "the directory cannot be read: %v", reason(err))
		}
		return nil
	}
	if t.entries > maxEntries {
		return nil // has been reported
	}
	if t.entries += len(found); t.entries > maxEntries {
		ds.Error(whole(dir), CodeTooManyFiles, "keep other files out of the export", "the export has more than %d files", maxEntries)
		return nil
	}
	out := make([]entry, 0, len(found))
	for _, d := range found {
		if strings.HasPrefix(d.Name(), ".") {
			continue
		}
		e := entry{path.Join(dir, d.Name()), d.IsDir()}
		if d.Type()&fs.ModeSymlink != 0 { // mounted volumes consist of links
			info, err := fs.Stat(t.fsys, e.path)
			e.dir = err == nil && info.IsDir()
		}
		out = append(out, e)
	}
	return out
}

// entry is a file or directory.
type entry struct {
	path string
	dir  bool
}

func (e entry) name() string { return path.Base(e.path) }

// stem is the name without .json; ok is false for everything that is no such file.
func (e entry) stem() (stem string, ok bool) {
	stem, ok = strings.CutSuffix(e.name(), ".json")
	return stem, ok && !e.dir
}

// revision is a hash over the names and contents of what was read. Lengths keep the two apart.
func (t *tree) revision() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(t.read)) {
		for _, part := range [][]byte{[]byte(name), t.read[name]} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// whole points at a directory.
func whole(name string) source.Span { return source.Span{File: &source.File{Name: name}} }

// unread points at the start of a file whose text is of no interest.
func unread(name string) source.Span {
	return source.Span{File: &source.File{Name: name, Text: []byte{}}}
}

// span points at an entry as such.
func (e entry) span() source.Span {
	if e.dir {
		return whole(e.path)
	}
	return unread(e.path)
}

// reason leaves out the path, which the diagnostic names already.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
