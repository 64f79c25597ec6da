// Package server puts the rooms together: it turns what the operator wrote, the app export and the settings, into a
// running server with its two listeners, or into the list of everything that is wrong.
package server
