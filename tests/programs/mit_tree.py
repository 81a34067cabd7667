"""mit_tree - a stand-in for the directory in which MIT's Kerberos is built, as far as its test scripts look into it.

Debian's programs are linked in at the places where a build would leave them; the test programs and the plugins for tests, which no
package has, are compiled from MIT's sources: against Baton's headers, and linked to MIT's library, as any program that Baton may find.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sysconfig

INSTALLED = {
    "kdc/krb5kdc": "/usr/sbin/krb5kdc",
    "kadmin/server/kadmind": "/usr/sbin/kadmind",
    "kadmin/cli/kadmin": "/usr/bin/kadmin",
    "kadmin/cli/kadmin.local": "/usr/sbin/kadmin.local",
    "kadmin/dbutil/kdb5_util": "/usr/sbin/kdb5_util",
    "kadmin/ktutil/ktutil": "/usr/bin/ktutil",
    "clients/kinit/kinit": "/usr/bin/kinit",
    "clients/klist/klist": "/usr/bin/klist",
    "clients/kswitch/kswitch": "/usr/bin/kswitch",
    "clients/kvno/kvno": "/usr/bin/kvno",
    "clients/kdestroy/kdestroy": "/usr/bin/kdestroy",
    "clients/kpasswd/kpasswd": "/usr/bin/kpasswd",
    "kprop/kprop": "/usr/sbin/kprop",
    "kprop/kpropd": "/usr/sbin/kpropd",
    "kprop/kproplog": "/usr/sbin/kproplog",
}

# Sources beside the program's own, by its folder.
BESIDE = {
    "tests/gssapi": ["common.c"],
    "appl/gss-sample": ["gss-misc.c"],
    "tests/gss-threads": ["gss-misc.c"],
}
PROGRAMS = {
    "lib/rpc/unit-test/client": ["client.c", "rpc_test_clnt.c"],
    "lib/rpc/unit-test/server": ["server.c", "rpc_test_svc.c"],
}
# These have no need of their folder's common.c, and clash with it.
ALONE = {"ccinit", "ccrefresh", "reload"}

PLUGINS = {
    "plugins/kdb/test.so": ["plugins/kdb/test/kdb_test.c"],
    "plugins/preauth/test/test.so": [f"plugins/preauth/test/{name}.c" for name in ("cltest", "kdctest", "common")],
}

# What MIT's configure would find on Debian, as far as the private headers ask for it.
CONFIGURED = """
CONSTRUCTOR_ATTR_WORKS DESTRUCTOR_ATTR_WORKS ENABLE_THREADS GETPWNAM_R_RETURNS_INT HAVE_BSWAP_16 HAVE_BSWAP_64 HAVE_BYTESWAP_H
HAVE_ENDIAN_H HAVE_EXPLICIT_BZERO HAVE_FNMATCH HAVE_FNMATCH_H HAVE_GETADDRINFO HAVE_GETNAMEINFO HAVE_GETOPT HAVE_GETOPT_LONG
HAVE_GETPWNAM_R HAVE_GETPWUID_R HAVE_GETTIMEOFDAY HAVE_MKSTEMP HAVE_PTHREAD HAVE_SECURE_GETENV HAVE_SOCKLEN_T HAVE_STDINT_H HAVE_STDLIB_H
HAVE_STRERROR_R HAVE_STRUCT_SOCKADDR_STORAGE HAVE_SYS_TYPES_H HAVE_UNISTD_H HAVE_VASPRINTF HAVE_VSNPRINTF STRERROR_R_CHAR_P
"""


class Tree:
    """The directory, its sources, the headers that programs are to see, and C that goes in front of each of them."""

    def __init__(self, top, sources, include, prelude):
        self.top, self.sources = pathlib.Path(top), pathlib.Path(sources) / "src"
        libraries = pathlib.Path("/usr/lib") / sysconfig.get_config_var("MULTIARCH")
        self.libraries = [libraries / name for name in ("libkrb5.so", "libk5crypto.so", "libcom_err.so", "libkrb5support.so.0")]
        self.database_libraries = [libraries / "libkdb5.so.10", libraries / "libkadm5srv_mit.so.12"]
        self.rpc_library = libraries / "libgssrpc.so.4"
        self.gss_library = libraries / "libgssapi_krb5.so.2"
        self.top.mkdir()
        (self.top / "lib/krb5/krb").mkdir(parents=True)
        self.write("config.status", "")
        self.write("include/autoconf.h", "".join(f"#define {name} 1\n" for name in CONFIGURED.split()) + "#define SIZEOF_TIME_T 8\n")
        self.prelude = self.write("include/prelude.h", prelude)
        shutil.copy(self.sources / "include/osconf.hin", self.top / "include/osconf.h")
        # Baton's come first: MIT's own would only stand in for what Baton's lack.
        self.include = [self.top / "include", include, pathlib.Path(include) / "gssapi", self.sources / "include", self.sources / "lib/kdb"]
        # By the name that only builds know.
        self.link("lib/libgssapi_krb5.so", self.gss_library)
        for place, program in INSTALLED.items():
            self.link(place, program)
        for kind in ("kdb", "preauth"):
            for plugin in (libraries / "krb5/plugins" / kind).glob("*.so"):
                self.link(f"plugins/{kind}/{plugin.name}", plugin)

    def write(self, name, text):
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def link(self, place, target):
        path = self.top / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def compile(self, output, sources, *options):
        (self.top / output).parent.mkdir(parents=True, exist_ok=True)
        command = ["cc", "-g", "-O1", "-w", "-D_GNU_SOURCE", "-DUSE_AUTOCONF_H", *[f"-I{path}" for path in self.include],
                   *[self.sources / source for source in sources], "-o", self.top / output, *options]
        done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{output} cannot be built:\n{done.stdout.decode(errors='replace')}"

    def program(self, name):
        """One of MIT's programs, by its place in the tree."""
        folder, _, base = name.rpartition("/")
        sources = PROGRAMS.get(name, [base + ".c"] + ([] if base in ALONE else BESIDE.get(folder, [])))
        libraries = [self.rpc_library] if "rpc/" in name else []
        self.compile(name, [f"{folder}/{source}" for source in sources], f"-I{self.sources / folder}", "-include", self.prelude, "-pthread",
                     *libraries, self.gss_library, *self.libraries, "-ldl")

    def plugin(self, name):
        self.compile(name, PLUGINS[name], "-shared", "-fPIC", *self.database_libraries, *self.libraries)

    def furnish(self, folder, text):
        """What a script of this text runs in this folder, and the plugins that it names."""
        names = {os.path.normpath(f"{folder}/{name}") for name in re.findall(r"'(\.[\w./-]+)'", text)}
        names |= {f"{folder}/{name}" for name in re.findall(r"appdir, '([\w-]+)'", text)}
        names = {name for name in names if name in PROGRAMS or (self.sources / (name + ".c")).exists()}
        for name in sorted(names):
            self.program(name)
        if "'db_library': 'test'" in text:
            self.plugin("plugins/kdb/test.so")
        if "testpreauth" in text:
            self.plugin("plugins/preauth/test/test.so")
        (self.top / folder).mkdir(parents=True, exist_ok=True)
        return sorted(names)

    def environment(self, **env):
        """What the scripts are to give to every program."""
        self.write("runenv.py", f"env = {env!r}\ntls_impl = 'no'\nhave_sasl = 'no'\nhave_spake_openssl = 'no'\nhave_lmdb = 'no'\nsizeof_time_t = 8\n")
