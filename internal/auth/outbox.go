package auth

import (
	"context"
	"sync"
	"time"
)

// mail says what a message is for. It is the type that the webhook is told.
type mail string

const (
	confirmMail mail = "confirm"
	resetMail   mail = "reset"
)

// message asks to send a token to an address, if somebody there has a use for it. Whether somebody has is found out when
// it is delivered: neither the answer to who asked nor the time it takes tells.
type message struct {
	kind  mail
	login string
}

const (
	maxOutbox   = 1000 // messages that wait
	deliverers  = 4    // messages delivered at a time
	deliverTime = 10 * time.Second
	flushTime   = 5 * time.Second // for what waits when the server ends
)

// send takes a message for an address.
func (a *Authenticator) send(kind mail, email, address string) error {
	if a.cfg.Webhook == nil {
		return &failure{kind: ErrNotBuilt, reason: "no webhook sends mails"}
	}
	if err := CheckEmail(email); err != nil {
		return err
	}
	login := EmailLogin(email)
	if err := a.mayAsk(login, address); err != nil {
		return err
	}
	if !a.post(message{kind, login}) {
		return &failure{kind: ErrTooMany, reason: "too many mails wait"}
	}
	return nil
}

// post puts a message into the outbox, if there is room.
func (a *Authenticator) post(m message) bool {
	select {
	case a.outbox <- m:
		return true
	default:
		a.cfg.Logger.Warn("a mail is not sent: too many wait", "kind", string(m.kind))
		return false
	}
}

// Deliver tells the webhook of messages until ctx ends, and of those that still wait then for a few seconds. The caller
// runs it once.
func (a *Authenticator) Deliver(ctx context.Context) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup
	for range deliverers {
		workers.Go(func() { a.deliverAll(ctx, last) })
	}
	<-ctx.Done()
	timer := time.AfterFunc(flushTime, cancel)
	defer timer.Stop()
	workers.Wait()
}

// deliverAll delivers messages, one after the other, until ctx has ended and none waits or last has ended.
func (a *Authenticator) deliverAll(ctx, last context.Context) {
	for {
		select {
		case m := <-a.outbox:
			a.deliver(last, m)
			continue
		case <-ctx.Done():
		}
		select {
		case m := <-a.outbox:
			a.deliver(last, m)
		default:
			return
		}
	}
}

// deliver gives the account a ticket and tells the webhook of its token.
func (a *Authenticator) deliver(ctx context.Context, m message) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	user, err := a.account(ctx, m.login)
	if err == nil && (user.ID == "" || m.kind == confirmMail && !user.Pending) {
		return
	}
	if err == nil {
		l := a.write(user, m.login)
		c := UserChange{Reset: &l.ticket}
		if m.kind == confirmMail {
			c = UserChange{Confirm: &l.ticket}
		}
		if err = a.change(ctx, user.ID, c); err == nil {
			err = a.cfg.Webhook.tell(ctx, m.kind, l)
		}
	}
	if err != nil {
		a.cfg.Logger.Warn("a mail is not sent", "kind", string(m.kind), "error", err)
	}
}
