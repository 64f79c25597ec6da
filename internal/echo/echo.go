// Package echo cuts text that came from a client to what an answer or a log may repeat.
package echo

// Most is how many bytes of a single name are repeated.
const Most = 64

// Name returns the first Most bytes of a name, those that are not printable ASCII replaced.
func Name(s string) string { return Text(s, Most) }

// Text is Name with a limit of its own.
func Text(s string, most int) string {
	out := []byte(s[:min(len(s), most)])
	for i, c := range out {
		if c < ' ' || c > '~' {
			out[i] = '?'
		}
	}
	return string(out)
}
