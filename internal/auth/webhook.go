package auth

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Webhook is a program of the operator that sends mails.
type Webhook struct {
	URL string // https, or http on this machine
	Key []byte // signs what it is told, at least MinWebhookKey bytes
}

// MinWebhookKey is how long the key of a webhook is at least, in bytes.
const MinWebhookKey = 32

func (w *Webhook) check() error {
	if len(w.Key) < MinWebhookKey {
		return fmt.Errorf("webhook: its key has less than %d bytes", MinWebhookKey)
	}
	_, err := CheckURL(w.URL)
	return err
}

// CheckURL reads an address of another program that is told or asked what must not be read or changed on the way.
func CheckURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return nil, errors.New("the address must be https, or http on this machine")
	}
	return u, nil
}

// tell tells the webhook of a token. The HMAC of the body goes along as Endpoint-Signature, in the form in which App
// Services has requests signed.
func (w *Webhook) tell(ctx context.Context, kind mail, l letter) error {
	body, err := json.Marshal(struct {
		Type    string `json:"type"`
		Token   string `json:"token"`
		TokenID string `json:"tokenId"`
		Email   string `json:"email"`
	}{string(kind), l.token, l.user, l.address})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, w.Key)
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Endpoint-Signature", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	client := http.Client{
		// No proxy: the token is for the webhook alone. No idle connections: mails are rare, and nobody would close them.
		Transport:     &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the address, which may hold a secret
	}
	if err != nil {
		return fmt.Errorf("the webhook: %w", err)
	}
	_ = res.Body.Close() // nothing is read of it
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answers %d", res.StatusCode)
	}
	return nil
}
