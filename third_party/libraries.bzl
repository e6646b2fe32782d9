"""The libraries that the course uses, from Debian's packages.

WORKSPACE and MODULE.bazel make a repository of each.
"""

load("//third_party:debian.bzl", "debian_library", "debian_sources")

def common_libraries():
    """Those that Bazel's central registry has too."""
    debian_sources(
        name = "com_google_googletest",
        build_file = Label("//third_party:googletest.BUILD"),
        package = "googletest",
        path = "/usr/src/googletest",
    )

    debian_library(
        name = "com_google_benchmark",
        headers = ["benchmark"],
        linkopts = [
            "-lbenchmark",
            "-pthread",
        ],
        package = "libbenchmark-dev",
        target = "benchmark",
    )

    debian_library(
        name = "xtl",
        headers = ["xtl"],
        package = "xtl-dev",
    )

    debian_library(
        name = "xsimd",
        headers = ["xsimd"],
        package = "libxsimd-dev",
    )

    debian_library(
        name = "xtensor",
        headers = ["xtensor"],
        library_deps = ["@xtl"],
        # Since 0.26 headers are in folders.
        moved = {
            "xtensor/chunk": [
                "xchunked_array.hpp",
                "xchunked_assign.hpp",
                "xchunked_view.hpp",
            ],
            "xtensor/containers": [
                "xadapt.hpp",
                "xarray.hpp",
                "xbuffer_adaptor.hpp",
                "xcontainer.hpp",
                "xfixed.hpp",
                "xscalar.hpp",
                "xstorage.hpp",
                "xtensor.hpp",
            ],
            "xtensor/core": [
                "xaccessible.hpp",
                "xassign.hpp",
                "xeval.hpp",
                "xexpression.hpp",
                "xexpression_traits.hpp",
                "xfunction.hpp",
                "xiterable.hpp",
                "xiterator.hpp",
                "xlayout.hpp",
                "xmath.hpp",
                "xmultiindex_iterator.hpp",
                "xnoalias.hpp",
                "xoperation.hpp",
                "xsemantic.hpp",
                "xshape.hpp",
                "xstrides.hpp",
                "xtensor_config.hpp",
                "xtensor_forward.hpp",
                "xvectorize.hpp",
            ],
            "xtensor/generators": [
                "xbuilder.hpp",
                "xgenerator.hpp",
                "xrandom.hpp",
            ],
            "xtensor/io": [
                "xcsv.hpp",
                "xinfo.hpp",
                "xio.hpp",
                "xjson.hpp",
                "xmime.hpp",
                "xnpy.hpp",
            ],
            "xtensor/misc": [
                "xcomplex.hpp",
                "xexpression_holder.hpp",
                "xhistogram.hpp",
                "xmanipulation.hpp",
                "xpad.hpp",
                "xset_operation.hpp",
                "xsort.hpp",
            ],
            "xtensor/optional": [
                "xoptional.hpp",
                "xoptional_assembly.hpp",
                "xoptional_assembly_base.hpp",
                "xoptional_assembly_storage.hpp",
            ],
            "xtensor/reducers": [
                "xaccumulator.hpp",
                "xblockwise_reducer.hpp",
                "xblockwise_reducer_functors.hpp",
                "xnorm.hpp",
                "xreducer.hpp",
            ],
            "xtensor/utils": [
                "xexception.hpp",
                "xtensor_simd.hpp",
                "xutils.hpp",
            ],
            "xtensor/views": [
                "xaxis_iterator.hpp",
                "xaxis_slice_iterator.hpp",
                "xbroadcast.hpp",
                "xdynamic_view.hpp",
                "xfunctor_view.hpp",
                "xindex_view.hpp",
                "xmasked_view.hpp",
                "xoffset_view.hpp",
                "xrepeat.hpp",
                "xslice.hpp",
                "xstrided_view.hpp",
                "xstrided_view_base.hpp",
                "xview.hpp",
                "xview_utils.hpp",
            ],
        },
        package = "libxtensor-dev",
    )

    debian_library(
        name = "nlohmann_json",
        headers = ["nlohmann"],
        package = "nlohmann-json3-dev",
    )

    debian_library(
        name = "tomlplusplus",
        headers = ["toml++"],
        package = "libtomlplusplus-dev",
    )

    debian_library(
        name = "cli11",
        headers = ["CLI"],
        package = "libcli11-dev",
    )

    debian_library(
        name = "fmt",
        headers = ["fmt"],
        linkopts = ["-lfmt"],
        package = "libfmt-dev",
    )

    debian_library(
        name = "utf8proc",
        headers = ["utf8proc.h"],
        linkopts = ["-lutf8proc"],
        package = "libutf8proc-dev",
    )

def grader_libraries():
    """Those that it lacks; only the grader and comparisons need them."""
    debian_library(
        name = "pugixml",
        headers = [
            "pugiconfig.hpp",
            "pugixml.hpp",
        ],
        linkopts = ["-lpugixml"],
        package = "libpugixml-dev",
    )

    debian_library(
        name = "libseccomp",
        headers = [
            "seccomp.h",
            "seccomp-syscalls.h",
        ],
        linkopts = ["-lseccomp"],
        package = "libseccomp-dev",
    )

    debian_library(
        name = "libarchive",
        headers = [
            "archive.h",
            "archive_entry.h",
        ],
        linkopts = ["-larchive"],
        package = "libarchive-dev",
    )

    debian_library(
        name = "date_tz",
        headers = ["date"],
        library_defines = [
            "HAS_STRING_VIEW=1",
            "ONLY_C_LOCALE=1",
            "USE_OS_TZDB=1",
        ],
        linkopts = ["-ldate-tz"],
        package = "libhowardhinnant-date-dev",
    )

    debian_library(
        name = "libzip",
        headers = [
            "zip.h",
            "zipconf.h",
        ],
        linkopts = ["-lzip"],
        package = "libzip-dev",
    )

    debian_library(
        name = "sqlitecpp",
        headers = ["SQLiteCpp"],
        linkopts = [
            "-lSQLiteCpp",
            "-lsqlite3",
        ],
        package = "libsqlitecpp-dev",
    )

    # Of OpenSSL, the part that knows nothing of networks.
    debian_library(
        name = "libcrypto",
        headers = ["openssl"],
        linkopts = ["-lcrypto"],
        package = "libssl-dev",
    )

    debian_library(
        name = "yaml_cpp",
        headers = ["yaml-cpp"],
        linkopts = ["-lyaml-cpp"],
        package = "libyaml-cpp-dev",
    )

    # For //kit/kernels:blas_benchmark alone.
    debian_library(
        name = "eigen",
        headers = ["eigen3"],
        package = "libeigen3-dev",
    )
