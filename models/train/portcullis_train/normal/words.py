"""Words, names and sentences of made-up clients, in several languages, with the signs that naive rules trip over."""

NOUNS = ("user account order invoice product cart payment shipment customer ticket project task comment message channel thread report dashboard metric event session device sensor "
         "reading vehicle trip booking room flight passenger course lesson student grade patient visit recipe ingredient playlist track album article author category tag label "
         "document folder file image video template campaign subscriber contact company deal pipeline stage note calendar meeting invite workspace team member role policy rule key "
         "webhook integration plan subscription coupon refund payout balance transaction ledger wallet address region warehouse stock supplier contract claim quote survey question "
         "answer vote badge review rating location route stop station charger meter tariff job build release deployment cluster node pod volume snapshot backup domain record zone "
         "certificate firewall bucket queue topic function model dataset experiment run").split()
VERBS = ("create update delete list get search export import sync refresh archive restore approve reject assign move copy merge publish cancel confirm verify resend preview validate "
         "estimate calculate track subscribe unsubscribe follow like share report upload download select union drop execute insert alter join order group").split()
ADJECTIVES = "new active pending open closed draft archived public private premium daily weekly monthly urgent internal external default custom primary secondary recent popular".split()
FIRST = ("Anna Ben Chloé Dmitri Élodie Finn Grace Hüseyin Ines João Katarzyna Liam María Noah Olga Pedro Qi Rosa Søren Thảo Uma Victor Wei Ximena Yuki Zoë Seán D'Arcy Aoife "
         "Mohammed Fatima Priya Arjun 田中 伟 지민 Олена Иван").split()
LAST = ("O'Brien O'Neill D'Angelo Smith Müller García Nguyễn Kowalski Dell'Acqua L'Heureux Van-der-Berg McDonald Øster Yılmaz Petrović Şahin Okafor N'Diaye O'Connor-Smith Patel Kim 佐藤 王 "
        "Novák Иванов Dupont Saint-Exupéry M'Bala D'Souza").split()
CITIES = ("Berlin München Zürich São-Paulo Reykjavík Val-d'Or L'Aquila 's-Hertogenbosch New-York Coeur-d'Alene Tōkyō 北京 Київ Łódź Saint-Denis Köln Martha's-Vineyard Den-Haag Malmö Bogotá").split()
COMPANIES = ["Smith & Sons", "AT&T", "Johnson & Johnson, Inc.", "Müller GmbH & Co. KG", "Ben & Jerry's", "Yahoo!", "Toys \"R\" Us", "P&G", "Marks & Spencer", "L'Oréal", "McDonald's", "Barnes & Noble; Books", "H&M (Sweden)",
             "7-Eleven", "Levi's®", "Select Union Bank", "Drop Table Furniture", "Script & Paper Ltd.", "Exec Cars <Premium>", "Union Select Foods", "Where? Everywhere!", "C++ Builders", "O'Reilly Media", "#1 Cleaning", "Joe's Bar -- Grill"]

SENTENCES = [
    "Please select one of the options from the list and order by Friday.", "We want to drop the table off at 5; is that ok?", "The union was select about where to insert the coin.", "Can you update the users set for Monday?",
    "I'd like 1 or 2 of those, but not '3'.", "It's 5 o'clock somewhere -- isn't it?", "Don't panic! (It's only a test.)", "Let's meet @ 7 & bring the kids; they'll love it.", "He said: \"it's fine\" and left...",
    "if x > 5 and y < 3 then we're done", "price <= 100 or rating >= 4", "a && b || c", "a < b > c", "5' 10\" tall", "rock 'n' roll", "7\" tablet, 10' cable", "100% cotton; 50% off!", "Q: what's 2+2? A: 4", "1=1 is a tautology, right?",
    "<3 love it", "-->  see above  <--", "=== Results ===", "/* todo */ fix this", "// not sure about this one", "# heading one", "~~done~~ **bold** _it_", "C:\\Users\\me\\Documents\\report.docx is missing", "see ../docs/readme.md for details",
    "run `npm install` and then `npm test`", "use sudo apt-get update; sudo apt-get upgrade", "the script alert went off at 3am", "javascript: the good parts", "Delete from my list where possible", "create a table for 6 at 8pm", "grant me access, please",
    "cat /dev/null was his favourite joke", "ping me when you're back", "sleep(8) hours a night", "I wanted to exec the plan and kill the process", "echo, echo, echo...", "who am I? where's my id?", "the id is null and that's wrong", "SELECT the best candidates FROM the pool",
    "Having said that, group by age like last year", "She's 'the best' and he's \"ok\"", "Cost: $5 {approx} [see note]", "Total = (5 * 3) + 2; tax = 19%", "tel:+49 (0)30 / 123-456; fax -457", "x = y; y = z; z != x", "Größe: 38½ – 40¾ (EU)", "L'été, c'est l'amour; n'est-ce pas ?",
    "¿Qué tal? ¡Muy bien!", "Привет, как дела? Всё ок; жду ответа", "你好，请问这个多少钱？", "これはテストです。（注意）", "مرحبا بك", "Ça va? — oui, d'accord.", "😀👍🏽 great job!!", "é è à ü ö ß ñ ø", "Hello World\nSecond line\n\n- item 1\n- item 2", "Dear Sir or Madam,\r\n\r\nI'm writing about order #12345.\r\n\r\nKind regards",
    "What does <script> mean in HTML?", "How do I escape a ' in SQL?", "OR is a state; so is ID", "and 1 more thing: the union rep selected us", "1,2,3... testing -- one; two", "(a) first; (b) second; (c) third", "null or undefined?", "true && false", "version() 2.0 is out", "benchmark results: 10/10",
    "It's a 'no' from me -- sorry; maybe next year?", "Where can I insert values into the form?", "my email is me+test@example.com", "http://example.com/?a=1&b=2 doesn't work", "see https://en.wikipedia.org/wiki/SQL_injection (good read)", "{name} has left the chat", "Hi {{first_name}}, your order {{order_id}} shipped",
    "Use $HOME and ${USER} in your config", "50% of users; 20% of admins", "A & B; C | D", "[x] done [ ] todo", "a=b&c=d", "<b>bold</b> and <i>italic</i>", "a/b/c and d\\e\\f", "wait for delay at gate 5", "as an administrator' or so he says", "declare victory and set sail", "convert int to string?",
]

SEARCHES = ["c++ && java", "o'reilly books", "iphone 15 \"pro max\"", "shoes size 38-40", "tv > 50 inch", "cheap flights; berlin -> rome", "how to select all in excel", "script font", "union jack", "drop shipping", "insert coin", "where is my order", "order by phone", "table 120x60", "alert bay",
            "select comfort bed", "what's new", "50% off", "men's t-shirt", "rock & roll", "foo OR bar", "foo AND (bar OR baz)", "site:example.com filetype:pdf", "\"exact phrase\" -excluded", "title:(quick brown) AND status:active", "email:*@example.com", "tag:#urgent", "price:[10 TO 50]", "name:jo*n~2",
            "node.js require", "python import os", "cat food", "ls swap", "id card", "wget vs curl", "ping pong table", "passwd", "etc", "hosts file", "win ini", "sql", "xss", "<div> tag", "css ::before", "a* search", "1+1", "2*3=6", "c:\\windows", "100% wool; grey", "null", "true", "NaN", "../", "--help", "-1", "' quote", "what is 7*7", "and/or", "q&a", "r&d"]
