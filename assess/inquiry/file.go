package inquiry

import (
	"bufio"
	"bytes"
	"io"
	"path"
	"strings"
	"unicode"

	"kenshin/fault"
	"kenshin/jp"
)

// taken are the kinds of files that an addressee may send: papers, tables, pictures. Everything else is refused by its ending.
var taken = map[string]bool{".pdf": true, ".xlsx": true, ".xls": true, ".docx": true, ".doc": true, ".pptx": true, ".csv": true, ".txt": true, ".png": true, ".jpg": true, ".jpeg": true}

// disguised are endings that a program would have; before a harmless one they are there to deceive.
var disguised = map[string]bool{".exe": true, ".scr": true, ".com": true, ".pif": true, ".bat": true, ".cmd": true, ".js": true, ".jse": true, ".vbs": true, ".vbe": true, ".wsf": true,
	".hta": true, ".ps1": true, ".msi": true, ".jar": true, ".lnk": true, ".iso": true, ".img": true, ".dll": true, ".cpl": true, ".reg": true, ".html": true, ".htm": true, ".svg": true}

// fileName refuses names that carry a path, hidden characters or a program's ending.
func fileName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return fault.New(fault.Invalid, "ファイルを選んでください。", "Choose a file.")
	case len([]rune(name)) > maxName:
		return tooLong("ファイルの名前", maxName)
	case strings.ContainsAny(name, "/\\:") || strings.Contains(name, ".."):
		return fault.New(fault.Invalid, "ファイルの名前に、フォルダの場所（/ や \\ や ..）が入っています。名前を短くして、もう一度選んでください。", "The file's name holds a path. Rename it and choose it again.")
	case strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0xFEFF || r == 0x200B
	}):
		return fault.New(fault.Invalid, "ファイルの名前に、見えない文字が入っています（種類を偽るウイルスと同じ形です）。名前を付け直してください。",
			"The file's name has invisible characters, as malware uses to disguise itself. Rename it.")
	}
	parts := strings.Split(strings.ToLower(jp.Narrow(name)), ".")
	end := "." + strings.TrimSpace(parts[len(parts)-1])
	if len(parts) < 2 || !taken[end] {
		return fault.Newf(fault.Invalid, "「%.60s」は受け取れません。PDF、Excel、Word、PowerPoint、CSV、テキスト、写真(PNG・JPEG)を選んでください。zipは中のファイルを取り出してください。",
			"%.60q is not taken. Choose a PDF, Excel, Word, PowerPoint, CSV, text, PNG or JPEG; unpack a zip first.", path.Base(name))
	}
	for _, p := range parts[1 : len(parts)-1] {
		if disguised["."+strings.TrimSpace(p)] {
			return fault.Newf(fault.Invalid, "「%.60s」は、プログラムを書類に見せかけた名前です。受け取れません。", "%.60q looks like a program in disguise and is not taken.", name)
		}
	}
	return nil
}

// content looks at the first bytes: a program, a script or a web page is refused whatever it is called.
func content(name string, r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1024)
	head, err := b.Peek(1024)
	if err != nil && len(head) == 0 && err != io.EOF {
		return b, err
	}
	lower := bytes.ToLower(bytes.TrimLeft(head, "\ufeff \t\r\n"))
	for _, bad := range []string{"mz", "\x7felf", "#!", "<script", "<!doctype html", "<html", "<?php", "<svg"} {
		if bytes.HasPrefix(lower, []byte(bad)) && (bad != "mz" || bytes.IndexByte(head, 0) >= 0) {
			return b, fault.Newf(fault.Invalid, "「%.60s」の中身は、プログラムかWebページです。受け取れません。", "%.60q holds a program or a web page and is not taken.", name)
		}
	}
	return b, nil
}
