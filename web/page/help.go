package page

import "kenshin/i18n"

// topics are the questions that people ask, answered in plain words.
func topics() []topic {
	q := func(id, ja, en string, says ...i18n.Text) topic { return topic{id, i18n.Text{Ja: ja, En: en}, says} }
	p := func(ja, en string) i18n.Text { return i18n.Text{Ja: ja, En: en} }
	return []topic{
		q("what", "Kenshinは何をするのですか", "What does Kenshin do?",
			p("院内のネットワークの健康診断です。何がつながっているかを調べて台帳にし、危ないところを見つけ、何からすればよいかを順に出します。",
				"It is a health check-up for the hospital's network: it lists what is connected, finds what is weak, and says what to do first."),
			p("機器の中に入ったり、設定を変えたりはしません。患者さんの情報も見ません。", "It never enters a device, changes no setting, and sees no patient data.")),
		q("send", "どんな通信を送りますか。機器が止まりませんか", "What does it send? Can a device stop?",
			p("人が承認した区画にだけ、毎日ふつうに流れているのと同じ種類のあいさつを、ゆっくり送ります。すべての種類を、このページの一番下に書いてあります。",
				"Only into segments that a person approved, and only greetings of the kinds that flow there every day, slowly. All of them are listed at the end of this page."),
			p("医療機器と分かった機器には、「いますか」と聞くほかは何も送りません(医療機器が「いない」とした区画では、IPv6で全員あての「いますか」が1回だけ届きます)。パスワードを試すこと、壊れた通信を送ることはありません。",
				"Devices known to be medical are only asked whether they are there (in a segment that was said to have none, by one IPv6 question to everybody, too). No password is tried and nothing malformed is sent.")),
		q("stop", "機器の様子がおかしい。すぐに止めたい", "A device behaves oddly: stop at once",
			p("「区画」のページの停止スイッチを押してください。すぐに、すべての送信が止まります。理由は書かなくても押せます。分かっていれば、押す前に一言書くと「記録」に残ります。",
				"Press the kill switch on the Segments page. All sending stops at once. No reason is needed; one that is written beside the button goes into the trail."),
			p("その機器に何が送られたかは、機器のページの「この機器に送ったもの」で分かります。", "The device's page shows what was sent to it.")),
		q("medical", "「保護中」とは何ですか", "What does “protected” mean?",
			p("医療機器や、そうかもしれない機器を、Kenshinが自分から守っている印です。詳しく調べたいときは、部門の人と時間を決めて、機器のページで許可します。期限が来ると自動で守りに戻ります。",
				"Kenshin leaves medical devices, and those that may be, alone by itself. To examine one, agree a time with the department and allow it on its page; it is protected again by itself at the end."),
			p("守れるのは、メーカーの番号、機器の答え、人の言葉のどれかで医療機器と分かったものだけです。医療機器がいる区画では、まず「いるかどうかだけ」の健診をし、台帳で医療機器に印を付けてから「ふつうの健診」をしてください。区画を「医療機器がいる」にしておくと、まだ分からない機器にも、つないで聞くときは1秒以上あけます。",
				"Only what is known to be medical can be protected: by its maker's number, its answers or a person's word. Where medical devices live, make a check-up “presence only” first, mark the medical ones in the ledger, then make the ordinary check-up. In a segment with medical devices the others, too, are spoken to over TCP with at least a second between questions.")),
		q("smb1", "SMB1とは何ですか", "What is SMB1?",
			p("Windowsがファイルを共有するときの、とても古い話し方です。2017年に世界中の病院を止めたウイルスは、これを通って広がりました。",
				"A very old way in which Windows shares files. The virus that stopped hospitals in 2017 spread through it."),
			p("PCや複合機なら、設定で止められることがほとんどです。医療機器では、メーカーに「SMB1を止められますか」と聞いてください。聞く文面は弱点のページにあります。",
				"On PCs and copiers it can usually be switched off. For medical devices ask the maker; the text to send is on the weak point's page.")),
		q("telnet", "Telnetとは何ですか", "What is Telnet?",
			p("機器を遠くから操作する古い方法です。パスワードがそのまま流れるので、同じ配線にいる人に読まれます。SSHという新しい方法に替えるか、使わないなら止めます。",
				"An old way to control a device from afar; its password can be read on the wire. Replace it by SSH, or switch it off.")),
		q("eol", "「サポートが切れたOS」は、なぜ困るのですか", "Why does an unsupported OS matter?",
			p("新しい弱点が見つかっても、もう直してもらえません。入れ替えられない装置は、ほかから離れた区画に置き、つなぐ相手を決めたものだけにします。",
				"New weak points are no longer repaired. What cannot be replaced belongs in a segment of its own, with only the partners it needs.")),
		q("unknown", "知らない機器がつながりました", "An unknown device appeared",
			p("台帳の「新しい」を開くと、どのスイッチの何番の口かが出ます。心当たりの部門に聞き、分かれば登録、分からなければ見に行ってください。だれのものでもなければ、線を抜いて保管します。",
				"Open “New” in the ledger: it shows the switch and port. Ask the department; register it if somebody knows it, otherwise go and look. If it is nobody's, unplug and keep it.")),
		q("conflict", "「食い違い」と出ました", "It says “differs”",
			p("台帳に人が書いたことと、Kenshinが測ったことが違います。どちらかを勝手に消すことはありません。機器を見て、正しいほうに直してください。",
				"What people wrote and what was measured differ. Neither is overwritten: look at the device and correct what is wrong.")),
		q("snmp", "SNMPの合言葉はどこで分かりますか", "Where do I find the SNMP credential?",
			p("ネットワークを入れた業者が知っています。「読み取り専用のSNMP」を教えてもらってください。入れると、機器がどのスイッチの何番の口につながっているかまで分かります。",
				"The firm that built the network knows. Ask for the read-only credential; with it Kenshin learns on which switch port each device is.")),
		q("incident", "ウイルスに感染したかもしれない", "There may be an infection",
			p("あわてて電源を切らないでください。証拠が消えます。まず、疑わしい機器のLANの線を抜き(無線は切り)、院長と保守会社に電話します。",
				"Do not switch it off: evidence would be lost. Unplug its network cable (or switch off wireless), then call the director and the maintenance firm."),
			p("機器のページの「切り離すとき」に、抜く場所と、先に知らせる人が書いてあります。厚生労働省の窓口への連絡も、早いほど助けになります。",
				"The device's page says where to unplug and whom to tell first. Tell the ministry's contact early, too.")),
		q("offline", "インターネットがなくても動きますか", "Does it work without the internet?",
			p("はい。院内だけで動きます。お知らせのメールを設定したときのほかは、外へ何も送りません。",
				"Yes. It works inside the house, and unless you set up mail notices it sends nothing out.")),
	}
}
