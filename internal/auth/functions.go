package auth

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// call calls a function of the app as the system, as often at a time as there are processors: whoever asks for it need not
// be anybody.
func (a *Authenticator) call(ctx context.Context, name string, args ...bson.RawValue) (result bson.RawValue, err error) {
	if a.cfg.Call == nil {
		return bson.RawValue{}, errors.New("no functions are called")
	}
	full := a.calling.run(ctx, func() { result, err = a.cfg.Call(ctx, name, args...) })
	if full != nil {
		return bson.RawValue{}, full
	}
	if err != nil {
		a.cfg.Logger.Warn("a function failed: what it was to decide is refused", "function", name, "error", err)
	}
	return result, err
}

// verdict is what a function says about an address or a new password. The zero verdict refuses.
type verdict uint8

const (
	refused verdict = iota
	awaited         // of the token that the function was given
	granted
)

// judge asks a function. Whatever is none of the three answers refuses, as every failure does; an error is returned only
// where the function was not asked.
func (a *Authenticator) judge(ctx context.Context, name string, args ...bson.RawValue) (verdict, error) {
	result, err := a.call(ctx, name, args...)
	if isOurs(err) {
		return refused, err
	}
	doc, _ := bsonval.Document(result)
	v, _ := bsonval.Lookup(doc, "status")
	switch status, _ := bsonval.String(v); {
	case err != nil:
		return refused, nil
	case status == "success":
		return granted, nil
	case status == "pending":
		return awaited, nil
	}
	return refused, nil
}

// mailLife is how long the token of a mail or of a function is good.
const mailLife = 30 * time.Minute

// letter is what a function or the webhook is told of an account, and the ticket that the account gets of it.
type letter struct {
	ticket               Ticket
	token, user, address string
}

// write makes a letter to an account. One to nobody looks the same, and its token opens nothing.
func (a *Authenticator) write(to User, login string) letter {
	l := letter{user: to.ID, address: login}
	if l.user == "" {
		l.user = NewUser(User{Created: a.cfg.Now()}).ID
	}
	l.ticket, l.token = newTicket(a.cfg.Now(), mailLife)
	return l
}

// argument is a letter as functions get it, with more members.
func (l letter) argument(more ...bson.E) bson.RawValue {
	doc, _ := bson.Marshal(append(bson.D{ // strings always marshal
		{Key: "token", Value: l.token}, {Key: "tokenId", Value: l.user}, {Key: "username", Value: l.address},
	}, more...))
	return bsonval.FromDocument(doc)
}

// mayAsk counts a question about an account that somebody asks without credentials.
func (a *Authenticator) mayAsk(login, address string) error {
	if !a.creation.allow(address) {
		return &failure{kind: ErrTooMany, reason: "too many questions from one address"}
	}
	if _, ok := a.asked.try(login); !ok {
		return &failure{kind: ErrTooMany, reason: "too many questions about one account"}
	}
	return nil
}

// change changes an account, if there is one. Nothing tells the one from the other.
func (a *Authenticator) change(ctx context.Context, id string, c UserChange) error {
	err := a.cfg.Users.Change(ctx, a.cfg.App, id, c)
	if id != "" {
		a.users.forget()
	}
	if err != nil && !errors.Is(err, ErrNoUser) {
		return unavailable("the store of users", err)
	}
	return nil
}

// ticketOf finds the user whose ticket a token opens. Of all others the answer is the same.
func (a *Authenticator) ticketOf(ctx context.Context, id, token, address string, ticket func(*User) *Ticket) (*Ticket, error) {
	user, err := a.cfg.Users.Find(ctx, a.cfg.App, id)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return nil, unavailable("the store of users", err)
	}
	now := a.cfg.Now()
	t := ticket(&user) // nil of nobody
	if !t.opens(token, now) {
		used := &failure{kind: ErrUsedToken, reason: "no such token"}
		if !a.attempts.allow(address) {
			return nil, &failure{kind: ErrTooMany, reason: used.reason}
		}
		return nil, used
	}
	return &Ticket{Hash: t.Hash, Expires: now}, nil
}
