package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/rolegate/rolegate/config"
)

// maxSecret bounds a secret; the longest are keys in PEM.
const maxSecret = 64 << 10

// OpenSecrets reads a directory with one file for each secret, the way Kubernetes mounts them, and looks in the
// environment for what is not there: a secret named jwt-key is ROLEGATE_SECRET_JWT_KEY. Without a directory there is
// only the environment. A line break at the end of a file is not part of the secret. An empty secret is none.
func OpenSecrets(dir string, lookup func(variable string) (string, bool)) (config.SecretSource, error) {
	files := map[string]string{}
	if dir != "" {
		var err error
		if files, err = readSecrets(dir); err != nil {
			return nil, fmt.Errorf("secrets directory: %w", err)
		}
	}
	return func(name string) (string, bool) {
		value, ok := files[name]
		if !ok {
			value, ok = lookup(config.SecretVariable(name))
		}
		return value, ok && value != ""
	}, nil
}

func readSecrets(dir string) (map[string]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	found := map[string]string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue // ..data and its like are how a volume is exchanged as a whole
		}
		text, err := readSecret(root, e.Name())
		if err != nil {
			return nil, errors.Join(err, root.Close())
		}
		if text != nil {
			found[e.Name()] = strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		}
	}
	return found, root.Close()
}

// readSecret returns nil for what is no file.
func readSecret(root *os.Root, name string) (text []byte, err error) {
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(text) > maxSecret {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxSecret)
	}
	return text, nil
}
