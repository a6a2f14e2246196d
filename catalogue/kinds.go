package catalogue

import "kenshin/i18n"

// Kind is what a catalogue is used for.
type Kind string

const (
	Checklist Kind = "checklist" // 点検表
	Gates     Kind = "gates"     // レベル0〜3の関門
	BCP       Kind = "bcp"       // IT-BCPの確認表
	Roles     Kind = "roles"     // 契約の役割分担
	Audit     Kind = "audit"     // 監査
	Survey    Kind = "survey"    // 部門への調査
	Visit     Kind = "visit"     // 訪問の前の質問票
	Beyond    Kind = "beyond"    // レベル3の先
	Duties    Kind = "duties"    // 医療機器の管理者の務め
	Move      Kind = "move"      // クラウドへ移る前の確認
)

// Kinds lists the kinds in the order of screens.
func Kinds() []Kind {
	return []Kind{Checklist, Gates, Beyond, Move, BCP, Roles, Duties, Audit, Survey, Visit}
}

// Label is what a kind is called on screens.
func (k Kind) Label() i18n.Text {
	return name(k, map[Kind]i18n.Text{
		Checklist: {Ja: "点検表（チェックリスト）", En: "checklist"}, Gates: {Ja: "ネットワーク統制のレベル", En: "levels of network control"},
		BCP: {Ja: "IT-BCPの確認表", En: "IT continuity plan table"}, Roles: {Ja: "契約の役割分担表", En: "role sharing in contracts"},
		Audit: {Ja: "監査項目", En: "audit items"}, Survey: {Ja: "部門への調査", En: "survey of departments"}, Visit: {Ja: "訪問前の質問票", En: "questionnaire before a visit"},
		Beyond: {Ja: "レベル3の先（ゼロトラスト）", En: "beyond level 3 (zero trust)"}, Duties: {Ja: "医療機器の管理者の務め", En: "duties for medical devices"}, Move: {Ja: "クラウドへ移る前の確認", En: "before moving to the cloud"},
	})
}

// Form is who fills a catalogue in.
type Form string

const (
	FacilityForm   Form = "facility"
	VendorForm     Form = "vendor"
	PharmacyForm   Form = "pharmacy"
	DepartmentForm Form = "department"
)

// Forms lists the forms.
func Forms() []Form { return []Form{FacilityForm, VendorForm, PharmacyForm, DepartmentForm} }

// Label is what a form is called on screens.
func (f Form) Label() i18n.Text {
	return name(f, map[Form]i18n.Text{FacilityForm: {Ja: "医療機関確認用", En: "for the facility"}, VendorForm: {Ja: "事業者確認用", En: "for vendors"},
		PharmacyForm: {Ja: "薬局確認用", En: "for pharmacies"}, DepartmentForm: {Ja: "部門用", En: "for departments"}})
}

// Origin is whose question it is.
type Origin string

const (
	OriginOfficial Origin = "official"
	OriginOwn      Origin = "own"
)

// Who is a person or body to ask, or who does the work.
type Who string

// Whos lists them.
func Whos() []Who {
	return []Who{"it", "director", "department", "nursing", "hr", "general-affairs", "finance", "facilities", "medical-engineer", "vendor", "network-vendor", "maker", "support", "trainer"}
}

// Label is what they are called on screens.
func (w Who) Label() i18n.Text {
	return name(w, map[Who]i18n.Text{
		"it": {Ja: "情報担当", En: "IT"}, "director": {Ja: "経営者（院長・事務長）", En: "management"}, "department": {Ja: "各部門の責任者", En: "heads of departments"},
		"nursing": {Ja: "看護部", En: "nursing"}, "hr": {Ja: "人事", En: "personnel"}, "general-affairs": {Ja: "総務", En: "general affairs"}, "finance": {Ja: "経理", En: "accounting"},
		"facilities": {Ja: "施設管理", En: "facilities"}, "medical-engineer": {Ja: "臨床工学技士・医療機器の担当", En: "clinical engineering"}, "vendor": {Ja: "システムの業者", En: "the system's vendor"},
		"network-vendor": {Ja: "ネットワークの業者", En: "the network vendor"}, "maker": {Ja: "医療機器のメーカー", En: "the device's maker"}, "support": {Ja: "支援団体", En: "the support body"},
		"trainer": {Ja: "訓練・研修の担当", En: "training"},
	})
}

// Axis is which of the three controls of the levels a gate belongs to; Basic is level 0.
type Axis string

const (
	Basic    Axis = "basic"
	External Axis = "external" // 外部ネットワーク接続統制
	Media    Axis = "media"    // 記憶媒体利用統制
	Internal Axis = "internal" // 内部ネットワーク統制
)

// Axes lists them.
func Axes() []Axis { return []Axis{Basic, External, Media, Internal} }

// Label is what an axis is called on screens.
func (a Axis) Label() i18n.Text {
	return name(a, map[Axis]i18n.Text{Basic: {Ja: "基本", En: "basics"}, External: {Ja: "外部とのつながり", En: "outside connections"},
		Media: {Ja: "USBなどの記憶媒体", En: "storage media"}, Internal: {Ja: "院内の区画", En: "inside segments"}})
}

// Cost is the class of what a measure costs.
type Cost string

const (
	Free     Cost = "free"     // ¥0: own people only
	Vendor   Cost = "vendor"   // a vendor changes settings
	Purchase Cost = "purchase" // something is bought
)

// Costs lists the classes, the cheapest first.
func Costs() []Cost { return []Cost{Free, Vendor, Purchase} }

// Label is what a class is called on screens.
func (c Cost) Label() i18n.Text {
	return name(c, map[Cost]i18n.Text{Free: {Ja: "0円（院内でできる）", En: "no money"}, Vendor: {Ja: "業者に設定を頼む", En: "a vendor's setting"}, Purchase: {Ja: "購入が要る", En: "a purchase"}})
}

// Party is who leads in a contract's role table.
type Party string

const (
	ByHospital Party = "hospital"
	Jointly    Party = "joint"
	ByVendor   Party = "vendor"
)

// Label is what a party is called on screens.
func (p Party) Label() i18n.Text {
	return name(p, map[Party]i18n.Text{ByHospital: {Ja: "医療機関が主導", En: "the hospital leads"}, Jointly: {Ja: "協働", En: "jointly"}, ByVendor: {Ja: "事業者が主導", En: "the vendor leads"}})
}

// AnswerKind is how an item is answered.
type AnswerKind string

const (
	YesNo    AnswerKind = ""       // はい / いいえ / 対象外 / 分からない
	Choice   AnswerKind = "choice" // one of Choices
	Many     AnswerKind = "many"   // any of Choices
	Quantity AnswerKind = "number"
	Words    AnswerKind = "text"
	Day      AnswerKind = "date"
)

func answerKinds() []AnswerKind { return []AnswerKind{YesNo, Choice, Many, Quantity, Words, Day} }

func name[K ~string](k K, names map[K]i18n.Text) i18n.Text {
	if t, ok := names[k]; ok {
		return t
	}
	return i18n.Text{Ja: string(k), En: string(k)}
}
