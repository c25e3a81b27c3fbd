"""Conan 2 recipe. See docs/decisions/011-conan-ships-our-cmake-config.md for why it looks as it does."""

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class TollgateConan(ConanFile):
    name = "tollgate"
    description = "One client library for authenticated, rate-limited HTTP APIs"
    license = "BSL-1.0"
    topics = ("http", "rest", "authentication", "rate-limit", "poco")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "with_testing": [True, False],  # tollgate::testing: sandbox, scripted transport, virtual clock
        "with_sqlite": [True, False],  # tollgate::sqlite: quota shared by the processes of one machine
        "with_redis": [True, False],  # tollgate::redis: quota shared by several machines
    }
    default_options = {
        "shared": False,
        "fPIC": True,
        "with_testing": True,
        "with_sqlite": True,
        "with_redis": True,
        "boost/*:header_only": True,
    }
    implements = ["auto_shared_fpic"]
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "lib/*", "schemes/*"

    def set_version(self):
        lists = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        self.version = re.search(r"project\(tollgate VERSION ([0-9.]+)", lists).group(1)

    def layout(self):
        cmake_layout(self)

    def configure(self):
        if self.options.with_sqlite:
            self.options["poco/*"].enable_data = True
            self.options["poco/*"].enable_data_sqlite = True
        if self.options.with_redis:
            self.options["poco/*"].enable_redis = True

    def requirements(self):
        self.requires("poco/[>=1.11 <2]", transitive_headers=True, transitive_libs=True)
        self.requires("openssl/[>=3 <4]")
        self.requires("zlib/[>=1.2.11 <2]")
        self.requires("fmt/[>=9 <13]")
        # Headers of a private parser: nobody who uses tollgate sees Boost.
        self.requires("boost/[>=1.74 <2]", libs=False, visible=False)

    def validate(self):
        check_min_cppstd(self, 17)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["TOLLGATE_BUILD_TESTING_LIBRARY"] = bool(self.options.with_testing)
        toolchain.cache_variables["TOLLGATE_WITH_SQLITE"] = bool(self.options.with_sqlite)
        toolchain.cache_variables["TOLLGATE_WITH_REDIS"] = bool(self.options.with_redis)
        toolchain.cache_variables["TOLLGATE_BUILD_PROGRAMS"] = False
        toolchain.cache_variables["TOLLGATE_BUILD_TESTS"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        rmdir(self, os.path.join(self.package_folder, "share"))

    def package_info(self):
        # The project's own CMake package is the one to be found; what follows is for the other generators.
        self.cpp_info.set_property("cmake_find_mode", "none")

        core = self.cpp_info.components["tollgate"]
        core.builddirs = [os.path.join("lib", "cmake", "tollgate")]
        core.libs = ["tollgate"]
        core.requires = self._requires()
        core.set_property("pkg_config_name", "tollgate")
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]

        for name, poco in (("sqlite", ["poco_datasqlite", "poco_data"]), ("redis", ["poco_redis"])):
            if self.options.get_safe(f"with_{name}"):
                store = self.cpp_info.components[name]
                store.libs = [f"tollgate_{name}"]
                store.requires = ["tollgate"]
                if self._is_dependency("poco"):
                    store.requires += [f"poco::{component}" for component in poco]
                store.set_property("pkg_config_name", f"tollgate-{name}")

        if self.options.with_testing:
            testing = self.cpp_info.components["testing"]
            testing.libs = ["tollgate_testing"]
            testing.requires = ["tollgate"]
            testing.set_property("pkg_config_name", "tollgate-testing")

    def _requires(self):
        """Every direct requirement by name, as Conan demands. One that the platform replaces is no dependency and must not stand here."""
        wanted = {
            "poco": ["poco::poco_netssl", "poco::poco_net", "poco::poco_util", "poco::poco_json", "poco::poco_foundation"],
            "openssl": ["openssl::ssl", "openssl::crypto"],
            "zlib": ["zlib::zlib"],
            "fmt": ["fmt::fmt"],
        }
        return [component for name in wanted if self._is_dependency(name) for component in wanted[name]]

    def _is_dependency(self, name):
        try:
            return self.dependencies[name] is not None
        except KeyError:
            return False
