package attachment

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kenshin/fault"
)

const maxName = 120

// programs are extensions that Windows or macOS would run or mount, or that carry macros. None of them may stand anywhere in a name.
var programs = strings.Fields(`exe scr com bat cmd pif cpl msi msp msc hta js jse vbs vbe wsf wsh ps1 psm1 jar lnk url iso img vhd vhdx dll sys
	reg inf chm scf application gadget appx msix appinstaller settingcontent-ms library-ms search-ms one xll xla xlam docm dotm xlsm xltm pptm
	potm ppam sldm rtf swf app dmg pkg command terminal sh py pl rb apk deb rpm svg xhtml mht mhtml shtml`)

// Name is the file's name as it will be sent: the chosen one with the extension of its kind. A name in Japanese is fine; a path, a control
// or direction character, or a name that looks like a program is not.
func Name(kind Kind, name string) (string, error) {
	if !kind.Known() {
		return "", fault.Newf(fault.Invalid, "添付ファイルの種類「%[1]s」はありません。", "There is no attachment of kind %[1]q.", strings.ToValidUTF8(string(kind), "?"))
	}
	bad := func(ja, en string) (string, error) {
		return "", fault.New(fault.Invalid, "添付ファイルの名前"+ja, "The file name "+en)
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, hidden) {
		return bad("に改行や見えない文字があります。消してください。", "holds a line end or an invisible character. Remove it.")
	}
	name = norm.NFC.String(strings.TrimSpace(name))
	plain := strings.ToLower(norm.NFKC.String(name)) // as a hurried eye reads it: ．ｅｘｅ is .exe
	if strings.ContainsAny(plain, `/\:*?"<>|`) {
		return bad(`に / \ : * ? " < > | は使えません。`, `cannot hold / \ : * ? " < > |.`)
	}
	ext := "." + string(kind)
	if kind == HTML && strings.HasSuffix(strings.ToLower(name), ".htm") {
		name, plain = name+"l", plain+"l"
	}
	if !strings.HasSuffix(strings.ToLower(name), ext) {
		name += ext
		plain += ext
	}
	stem := strings.TrimSuffix(plain, ext)
	switch {
	case strings.Trim(stem, ". ") == "":
		return bad("がありません。", "is missing.")
	case strings.HasPrefix(stem, ".") || strings.HasSuffix(stem, ".") || strings.HasSuffix(stem, " ") || strings.Contains(plain, "  "):
		return bad("が点や空白で始まるか終わるか、空白が続いています。", "starts or ends in a dot or space, or holds a run of spaces.")
	case device(stem):
		return bad("はWindowsで使えない名前です。", "is one that Windows keeps for itself.")
	case utf8.RuneCountInString(name) > maxName:
		return bad("が長すぎます(120文字まで)。", "is too long (at most 120 characters).")
	}
	for _, piece := range strings.Split(stem, ".")[1:] {
		for _, p := range programs {
			if strings.TrimSpace(piece) == p {
				return bad("に「."+p+"」は使えません。プログラムに見える名前は付けられません。", "cannot hold \"."+p+"\": no file may look like a program.")
			}
		}
	}
	return name, nil
}

// device says that Windows opens a device, not a file, for a name.
func device(stem string) bool {
	first, _, _ := strings.Cut(stem, ".")
	first = strings.TrimSpace(first)
	switch first {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(first) == 4 && (strings.HasPrefix(first, "com") || strings.HasPrefix(first, "lpt")) && first[3] >= '0' && first[3] <= '9'
}
