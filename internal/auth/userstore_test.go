package auth_test

import (
	"context"
	"sync"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
)

// users is a UserStore in memory.
type users struct {
	mu       sync.Mutex
	byID     map[string]auth.User
	sessions map[string]auth.Session
	down     error
	asked    []string // what was called
}

func newUsers(list ...auth.User) *users {
	s := &users{byID: map[string]auth.User{}, sessions: map[string]auth.Session{}}
	for _, u := range list {
		s.byID[u.ID] = u
	}
	return s
}

func (s *users) Create(_ context.Context, u auth.User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.byID[u.ID]; taken {
		return auth.ErrUserExists
	}
	s.byID[u.ID] = u
	return s.down
}

func (s *users) Find(_ context.Context, _, id string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, "Find")
	u, ok := s.byID[id]
	if s.down != nil || ok {
		return u, s.down
	}
	return u, auth.ErrNoUser
}

func (s *users) FindLogin(_ context.Context, _, provider, login string) (auth.User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, "Find", "Find") // of the login, and of its user
	for _, u := range s.byID {
		for _, i := range u.Identities {
			if i.Provider == provider && i.Login == login {
				return u, s.down
			}
		}
	}
	s.asked = s.asked[:len(s.asked)-1] // of the login alone
	if s.down != nil {
		return auth.User{}, s.down
	}
	return auth.User{}, auth.ErrNoUser
}

func (s *users) List(context.Context, string, func(auth.User) error) error { return s.down }

func (s *users) Change(_ context.Context, _, id string, c auth.UserChange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, "Change")
	u, ok := s.byID[id]
	if !ok {
		return auth.ErrNoUser
	}
	if c.Disabled != nil {
		u.Disabled = *c.Disabled
	}
	if c.Revoke {
		u.Revoked++
	}
	if c.Password != "" {
		u.Password = c.Password
	}
	if c.Confirmed {
		u.Pending = false
	}
	s.byID[id] = u
	return s.down
}

func (s *users) Link(context.Context, string, string, auth.Identity) error { return s.down }

func (s *users) Adopt(context.Context, string, string, auth.User) error { return s.down }

func (s *users) Delete(_ context.Context, _, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byID[id]
	u.Deleted = at
	s.byID[id] = u
	return s.down
}

func (s *users) StartSession(_ context.Context, x auth.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[x.Hash] = x
	return s.down
}

func (s *users) FindSession(_ context.Context, _, hash string) (auth.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.sessions[hash]
	if !ok {
		return x, auth.ErrNoSession
	}
	return x, s.down
}

func (s *users) EndSession(_ context.Context, _, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, hash)
	return s.down
}

func (s *users) TokenKey(_ context.Context, _ string, candidate []byte) ([]byte, error) {
	return candidate, s.down
}

func (s *users) Sweep(context.Context, string, time.Time, time.Time) error { return s.down }
