// Package userfile reads users as App Services and Firebase export them: a JSON object on each line.
//
// Ids are kept, because rules and documents contain them, and so is the address that somebody logs in with. Hashes of
// other kinds than argon2id open nothing: their users get a reset token.
package userfile
