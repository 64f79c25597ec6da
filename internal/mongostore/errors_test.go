package mongostore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/rolegate/rolegate/proxy"
)

// server is an error as the server replies it, network one as the exchange fails with.
func server(code int32) error {
	return mongo.CommandError{Code: code, Name: "Name", Message: "dup key: { ssn: 1 }", Wrapped: driver.Error{Code: code}}
}

func network(cause error) error {
	broken := driver.Error{Labels: []string{driver.NetworkError}, Wrapped: topology.ConnectionError{Wrapped: cause}}
	return mongo.CommandError{Labels: broken.Labels, Wrapped: broken}
}

func TestErrorKinds(t *testing.T) {
	handshake := topology.ConnectionError{Wrapped: driver.Error{Labels: []string{driver.NetworkError}, Wrapped: io.EOF}}
	tests := map[string]struct {
		err         error
		read, write error
	}{
		"no server":               {topology.ServerSelectionError{Wrapped: context.DeadlineExceeded}, proxy.ErrUnavailable, proxy.ErrUnavailable},
		"no connection free":      {topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, proxy.ErrUnavailable, proxy.ErrUnavailable},
		"handshake cut":           {mongo.CommandError{Labels: []string{driver.NetworkError}, Wrapped: handshake}, proxy.ErrUnavailable, proxy.ErrUnavailable},
		"closed client":           {mongo.ErrClientDisconnected, proxy.ErrUnavailable, proxy.ErrUnavailable},
		"late before sending":     {context.DeadlineExceeded, proxy.ErrTimeout, proxy.ErrUnavailable},
		"too late to send":        {driver.ErrDeadlineWouldBeExceeded, proxy.ErrTimeout, proxy.ErrUnavailable},
		"canceled before sending": {context.Canceled, proxy.ErrTimeout, proxy.ErrUnavailable},
		"cut while waiting":       {network(io.EOF), proxy.ErrUnavailable, proxy.ErrUnclear},
		"late while waiting":      {network(context.DeadlineExceeded), proxy.ErrTimeout, proxy.ErrUnclear},
		"MaxTimeMSExpired":        {server(50), proxy.ErrTimeout, proxy.ErrUnclear},
		"not primary":             {server(10107), proxy.ErrUnavailable, proxy.ErrUnavailable},
		"stepped down":            {server(11602), proxy.ErrUnavailable, proxy.ErrUnclear},
		"cursor gone":             {server(43), proxy.ErrUnavailable, proxy.ErrUnclear},
		"bad query":               {server(2), proxy.ErrRejected, proxy.ErrRejected},
		"unauthorized":            {server(13), errNoRights, errNoRights},
		"too large":               {server(10334), proxy.ErrRejected, proxy.ErrDocumentTooLarge},
		"duplicate key":           {server(11000), proxy.ErrRejected, proxy.ErrDuplicateKey},
		"internal error":          {server(1), errServer, proxy.ErrUnclear},
		"killed":                  {server(11601), proxy.ErrTimeout, proxy.ErrUnclear},
		"plan gone":               {server(175), proxy.ErrUnavailable, proxy.ErrUnclear},
		"snapshot gone":           {server(246), proxy.ErrUnavailable, proxy.ErrUnclear},
		"unknown failure":         {errors.New("what"), nil, proxy.ErrUnclear},
	}
	sentinels := []error{
		proxy.ErrUnavailable, proxy.ErrTimeout, proxy.ErrUnclear, proxy.ErrRejected, proxy.ErrDocumentTooLarge,
		proxy.ErrDuplicateKey, errNoRights, errServer,
	}
	for name, tt := range tests {
		for side, got := range map[string]error{"read": readError(tt.err), "write": writeError(tt.err)} {
			want := map[string]error{"read": tt.read, "write": tt.write}[side]
			for _, sentinel := range sentinels {
				if is := errors.Is(got, sentinel); is != (sentinel == want) { //nolint:errorlint // of two sentinels
					t.Errorf("%s, %s: %v: is %q = %v", name, side, got, sentinel, is)
				}
			}
			late := errors.Is(got, context.DeadlineExceeded) || errors.Is(got, context.Canceled)
			if own := strings.HasPrefix(name, "late") || strings.HasPrefix(name, "canceled") || name == "too late to send"; late && !own {
				t.Errorf("%s, %s: %v looks like the end of the request's own time", name, side, got)
			}
			if strings.Contains(got.Error(), "ssn") {
				t.Errorf("%s, %s: the error quotes the server: %v", name, side, got)
			}
		}
	}
}

// What the stages of a client raise is the client's own mistake, whatever code the server has for it.
func TestErrorsOfStages(t *testing.T) {
	codes := map[string]int32{
		"BadValue": 2, "FailedToParse": 9, "TypeMismatch": 14, "InvalidLength": 16, "Overflow": 15, "DollarPrefixedFieldName": 52,
		"NotImplemented": 238, "CommandNotSupported": 115, "CommandNotSupportedOnView": 166, "OptionNotSupportedOnView": 167,
		"ConversionFailure": 241, "BSONObjectTooLarge": 10334, "ExceededMemoryLimit": 146,
		"QueryExceededMemoryLimitNoDiskUseAllowed": 292, "distinct too big": 17217, "document larger than 16 MB": 17419,
		"division by zero": 16608, "not an array": 16883, "unrecognized stage": 40324, "unknown field": 40415,
		"invalid expression": 31249, "unknown operator": 31325, "regex": 51091, "date": 5_166_307, "division, newer": 4_848_401,
		"window": 7_157_923,
	}
	for name, code := range codes {
		if err := readError(server(code)); !errors.Is(err, proxy.ErrRejected) {
			t.Errorf("%s: %v, want ErrRejected", name, err)
		}
	}
}
