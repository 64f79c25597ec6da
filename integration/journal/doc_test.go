// Package journal_test proves that every stored change is one that the rules allow on the document as it was and as it
// becomes, at the moment it is stored.
//
// Sixteen users write to a few documents at once, through the proxy and the store of the product, under rules that read
// what is written; others write beside the proxy. Every change is recorded with its true images, and when all are done the
// reference model judges each one. Besides, the history of every document must be whole: what a change found is what the
// change before it left. And nothing may be stored that nobody was told of, nor the reverse.
//
// TestVerdicts asks the same one after the other, where the answer of the model is the only right one, and TestDecisions
// shows changes to the rules of the product and to the model without a database.
//
// ROLEGATE_JOURNAL_SCALE multiplies the number of worlds (1 by default), ROLEGATE_JOURNAL_SEED makes other ones. The worlds
// and what each user asks for follow from the seed; who comes first does not, so that a run is not repeated exactly. The
// long run, with more than 20,000 changes of users, is
//
//	ROLEGATE_TEST_MONGODB_URI=… ROLEGATE_JOURNAL_SCALE=26 go test -count=1 -timeout 1h -run TestJournal ./integration/journal
package journal_test
