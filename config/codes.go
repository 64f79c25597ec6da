package config

import "github.com/rolegate/rolegate/internal/source"

// The codes of the diagnostics of this package, besides those of internal/source. Each has a page in docs/diagnostics.
const (
	CodeConflictingField  = "conflicting-field"
	CodeConflictingKeys   = "conflicting-keys"
	CodeDataNotFetched    = "custom-data-not-fetched"
	CodeDuplicate         = "duplicate-definition"
	CodeDuplicateNS       = "duplicate-namespace"
	CodeFileTooLarge      = "file-too-large"
	CodeIgnored           = "ignored-part"
	CodeInvalidField      = "invalid-field-name"
	CodeInvalidNS         = "invalid-namespace"
	CodeInvalidValue      = "invalid-value"
	CodeMisnamedFile      = "misnamed-file"
	CodeMissingKey        = "missing-key"
	CodeMissingSecret     = "missing-secret"
	CodeNameMismatch      = "name-mismatch"
	CodeNamespaceMismatch = "namespace-mismatch"
	CodeNoApp             = "no-app"
	CodeNoRootFile        = "no-root-file"
	CodeRunsAsSystem      = "runs-as-system"
	CodeRunsAsUser        = "runs-as-user"
	CodeSecretCollision   = "secret-collision"
	CodeSeveralRootFiles  = "several-root-files"
	CodeTemplate          = "unknown-template"
	CodeTooManyFiles      = "too-many-files"
	CodeTooManyProblems   = "too-many-problems"
	CodeUnknownKey        = "unknown-key"
	CodeUnknownService    = "unknown-service"
	CodeUnknownVersion    = "unknown-config-version"
	CodeUnreadable        = "unreadable-file"
	CodeWrongType         = "wrong-type"
)

// Codes lists every code that this package may report, those of reading JSON included.
func Codes() []string {
	return append(source.Codes(),
		CodeConflictingField, CodeConflictingKeys, CodeDataNotFetched, CodeDuplicate, CodeDuplicateNS, CodeFileTooLarge,
		CodeIgnored, CodeInvalidField, CodeInvalidNS, CodeInvalidValue, CodeMisnamedFile, CodeMissingKey, CodeMissingSecret,
		CodeNameMismatch, CodeNamespaceMismatch, CodeNoApp, CodeNoRootFile, CodeRunsAsSystem, CodeRunsAsUser, CodeSecretCollision,
		CodeSeveralRootFiles, CodeTemplate, CodeTooManyFiles, CodeTooManyProblems, CodeUnknownKey, CodeUnknownService,
		CodeUnknownVersion, CodeUnreadable, CodeWrongType,
	)
}
