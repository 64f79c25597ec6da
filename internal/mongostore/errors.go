package mongostore

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/rolegate/rolegate/proxy"
)

// Server error codes by what they mean for us. A code of none of these tables is the server's opinion about the
// request: ErrRejected.
var (
	becauseOfTime = map[int32]bool{
		50:    true, // MaxTimeMSExpired
		202:   true, // NetworkInterfaceExceededTimeLimit
		262:   true, // ExceededTimeLimit
		11601: true, // Interrupted: the operator's patience was shorter than ours
	}
	// The server is starting, stopping, or not (any longer) the primary, or the cursor went with it.
	becauseOfState = map[int32]bool{
		6: true, 7: true, 89: true, 9001: true, // a host behind mongos cannot be reached
		43: true, 237: true, // CursorNotFound, CursorKilled
		175: true, 239: true, 246: true, // QueryPlanKilled, SnapshotTooOld, SnapshotUnavailable
		91: true, 11600: true, 11602: true, // shutdown, interrupted
		133: true, 134: true, // FailedToSatisfyReadPreference, ReadConcernMajorityNotAvailableYet
		189: true, 10107: true, 13435: true, 13436: true, // not, or no longer, the primary
	}
	// Refused before anything was done.
	beforeWriting = map[int32]bool{10107: true, 13435: true, 13436: true, 112: true}
	becauseOfSize = map[int32]bool{10334: true, 17419: true, 17420: true}
	// A validator of the collection, or an index that cannot hold the document: which values they look at is not known here.
	becauseOfDocument = map[int32]bool{121: true, 171: true, 16755: true, 17280: true}
	becauseOfKey      = map[int32]bool{11000: true, 11001: true, 12582: true}
	// The operator's business: credentials and rights. An internal error for the client.
	becauseOfRights = map[int32]bool{13: true, 18: true, 8000: true}
	// The server does not say what happened.
	becauseOfUnknown = map[int32]bool{1: true, 8: true} // InternalError, UnknownError
)

// readError maps what a read may fail with. The server's text is dropped, it quotes values. What the driver reports is
// kept as text only, except for the end of the request's own time: it wraps time-outs of its own, which are not that.
func readError(err error) error {
	var server mongo.CommandError
	switch {
	case neverSent(err) && !justLate(err):
		return notSent(err)
	case errors.As(err, &server) && server.Code != 0:
		return fmt.Errorf("%w (%s, code %d)", readKind(server.Code), server.Name, server.Code)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), mongo.IsTimeout(err):
		return fmt.Errorf("%w: %w", proxy.ErrTimeout, err)
	case mongo.IsNetworkError(err):
		return fmt.Errorf("%w: %s", proxy.ErrUnavailable, err.Error())
	}
	return fmt.Errorf("read: %w", err)
}

func readKind(code int32) error {
	switch {
	case becauseOfTime[code]:
		return proxy.ErrTimeout
	case becauseOfState[code]:
		return proxy.ErrUnavailable
	case becauseOfRights[code]:
		return errNoRights
	case becauseOfUnknown[code]:
		return errServer
	}
	return proxy.ErrRejected
}

var (
	errNoRights = errors.New("database refuses the configured credentials or their rights")
	errServer   = errors.New("internal error of the database")
)

// repeatableRead tells whether a read that returned nothing yet is worth a second attempt, as the driver would make
// it: after a fail-over.
func repeatableRead(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || neverSent(err) {
		return false
	}
	var server mongo.CommandError
	if errors.As(err, &server) && server.Code != 0 {
		return becauseOfState[server.Code]
	}
	return mongo.IsNetworkError(err) && !mongo.IsTimeout(err)
}

// writeError maps the failure of a whole write command. Whatever is not known to have done nothing is unclear.
func writeError(err error) error {
	if neverSent(err) {
		return notSent(err)
	}
	var server mongo.CommandError
	if !errors.As(err, &server) || server.Code == 0 {
		return fmt.Errorf("%w: %s", proxy.ErrUnclear, err.Error())
	}
	kind := writeKind(server.Code)
	if server.HasErrorLabel(driver.NoWritesPerformed) {
		kind = proxy.ErrUnavailable
	}
	return fmt.Errorf("%w (%s, code %d)", kind, server.Name, server.Code)
}

// statementError maps the failure of one statement, which the server reports only for what it has not stored.
func statementError(code int32) error {
	return fmt.Errorf("%w (code %d)", writeKind(code), code)
}

func writeKind(code int32) error {
	switch {
	case becauseOfKey[code]:
		return proxy.ErrDuplicateKey
	case becauseOfDocument[code]:
		return proxy.ErrNotTaken
	case becauseOfSize[code]:
		return proxy.ErrDocumentTooLarge
	case beforeWriting[code]:
		return proxy.ErrUnavailable
	case becauseOfTime[code], becauseOfState[code], becauseOfUnknown[code]:
		return proxy.ErrUnclear
	case becauseOfRights[code]:
		return errNoRights
	}
	return proxy.ErrRejected
}

// notSent reports that nothing reached the server. A context error stays visible behind it only if it is the
// request's own: the driver also ends its search for a server with one.
func notSent(err error) error {
	switch {
	case errors.Is(err, proxy.ErrUnavailable):
		return err
	case justLate(err), errors.Is(err, proxy.ErrTimeout):
		return fmt.Errorf("%w: %w", proxy.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %s", proxy.ErrUnavailable, err.Error())
}

// neverSent tells whether a command failed before it was put on the wire. What comes from the exchange itself is a
// driver.Error; outside of it are the selection of a server, waiting for a connection, and its handshake.
func neverSent(err error) bool {
	var command mongo.CommandError
	if errors.As(err, &command) && command.Wrapped != nil {
		err = command.Wrapped // the outermost error as the operation returned it
	}
	switch err := err.(type) { //nolint:errorlint // the outermost type is what tells; a handshake wraps a driver.Error too
	case nil, driver.Error, driver.WriteCommandError:
		return false
	case topology.ServerSelectionError, topology.WaitQueueTimeoutError, topology.ConnectionError:
		return true
	case driver.RetryablePoolError:
		return true
	default:
		return justLate(err) || errors.Is(err, mongo.ErrClientDisconnected)
	}
}

// justLate tells whether the driver gave up before sending because the request's time was over.
func justLate(err error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded || //nolint:errorlint // unwrapped only
		errors.Is(err, driver.ErrDeadlineWouldBeExceeded)
}
